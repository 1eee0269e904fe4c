"""Networks as other frameworks describe them: ONNX files and PyTorch programs."""
