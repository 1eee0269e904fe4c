"""How much worse a network becomes when one operand of one layer is quantised: the loss column."""
