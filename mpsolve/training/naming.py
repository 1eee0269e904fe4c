"""How people name models: ``NAME`` or ``FILE.py:FUNCTION``, and perhaps ``:WEIGHTS``."""


def model_name(text: str) -> str:
    """What stands before the weights.

    Examples
    --------
    >>> model_name("resnet8:runs/float"), model_name("net.py:make:weights.pt")
    ('resnet8', 'net.py:make')
    """
    name, _, rest = text.partition(":")
    return f"{name}:{rest.partition(':')[0]}" if name.endswith(".py") else name
