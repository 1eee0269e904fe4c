"""Every way to fit a small network into a microcontroller, fine-tuned on the digits."""
