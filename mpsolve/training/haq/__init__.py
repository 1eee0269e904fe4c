"""HAQ for microcontrollers: a reinforcement-learning agent chooses the bit-widths.

Wang et al., "HAQ: Hardware-Aware Automated Quantization with Mixed Precision", CVPR 2019, as used
by Rusci, Fariselli, Capotondi and Benini, "Leveraging Automated Mixed-Low-Precision Quantization
for Tiny Edge Microcontrollers", ITEM 2020. An agent walks through the layers of an environment,
which lowers what does not fit into the memory, and an evaluator says how good a configuration is.
"""
