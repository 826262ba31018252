"""The errors that a user of Infraspend can meet."""


class InfraspendError(Exception):
    """Something the user can act on, said in one line.

    The message names the file, hour or platform that is wrong and what to do about it. The
    command line prints it without a traceback and exits with 1.
    """
