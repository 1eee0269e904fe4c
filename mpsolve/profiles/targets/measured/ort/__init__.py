"""ONNX Runtime on the CPU: models of layers and networks, and which kernels they run."""
