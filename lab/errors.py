"""The one error that the lab shows to its user as a sentence."""


class LabError(Exception):
    """Something the user can act on; its text is one sentence, with the log's tail where there is one."""
