"""The setting of HAQ for microcontrollers, solved exactly: ``python -m bench.haq_mcu``."""
