"""HAQ for microcontrollers: a reinforcement-learning agent chooses the bit-widths.

Wang et al., "HAQ: Hardware-Aware Automated Quantization with Mixed Precision", CVPR 2019, as used
by Rusci, Fariselli, Capotondi and Benini, "Leveraging Automated Mixed-Low-Precision Quantization
for Tiny Edge Microcontrollers", ITEM 2020. An agent walks through the layers of an environment,
which lowers what does not fit into the memory, and an evaluator says how good a configuration is.

The constants are those of HAQ's code. Where the papers leave something open, this is our reading:
the replay memory keeps the actions of the agent, not what was left of them; activations that are
fixed take no action, and those that several layers read take one; bytes and limits are those of
`mpsolve.profiles.memory`. Where most layers gain by more bits, the sigmoid of the actor saturates
within some tens of episodes. Then the rule for what does not fit decides more than the agent does,
and under tight limits random search may find better configurations.
"""
