"""What can go wrong between a person and their jobs, in the same one-line form as every other error."""

from __future__ import annotations

from flamingo.errors import BadRequest, DiskFull, FlamingoError

__all__ = ["DatabaseError", "NoSuchFile", "NoSuchJob", "QuotaExceeded", "SlotTaken", "WrongState"]


class NoSuchJob(FlamingoError, KeyError):
    """No job of this name is known: 404 to a browser, never "done"."""

    __str__ = FlamingoError.__str__  # KeyError's would put it between quotation marks


class NoSuchFile(FlamingoError, KeyError):
    """No file with this content is in the store."""

    __str__ = FlamingoError.__str__


class WrongState(BadRequest):
    """The job is there, but this cannot be done to it now: retrying one that is done, for instance."""


class QuotaExceeded(DiskFull):
    """The files of all jobs would take more room than it was given."""


class DatabaseError(FlamingoError):
    """The database cannot be reached or used."""


class SlotTaken(FlamingoError):
    """Another worker process, alive, has this slot."""
