"""Other projects' allocators through their own public functions, one per file.

None of them is a dependency: what is not installed is left out, and the report says so.
EvoPress has no package to install; its recursion is the baseline ``discretised-dp``, its search
the baseline ``evolution``.
"""
