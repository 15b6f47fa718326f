"""A verdict in plain words: what is known of a file, and what that proves and does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flamingo.errors import one_line
from flamingo.provenance.origin import VOCABULARY

if TYPE_CHECKING:
    from flamingo.provenance.verdict import Verdict

__all__ = ["of"]

# Terms of the IPTC vocabulary that say something about models; the others are shown by their name.
_SOURCES = {
    "trainedAlgorithmicMedia": "made by a trained model",
    "compositeWithTrainedAlgorithmicMedia": "existing media, changed by a trained model",
    "algorithmicMedia": "made by an algorithm without a trained model",
    "digitalCapture": "captured from real life by a camera or recorder",
}
_FAULTS = {
    "claimSignature.mismatch": "the signature is not one over what is said",
    "assertion.hashedURI.mismatch": "what is said was changed after it was signed",
    "assertion.missing": "part of what was signed is missing",
    "claimSignature.outsideValidity": "it was signed when the certificate was not valid",
    "signingCredential.expired": "the certificate is out of date",
    "signingCredential.invalid": "the certificate is not one for signing",
    "signingCredential.revoked": "the certificate was revoked",
}


def of(verdict: Verdict) -> tuple[str, ...]:
    """A verdict for people.

    Args:
        verdict: what is known.

    Returns:
        Sentences, one line each, the most important first. Whatever comes from the file is escaped and shortened.
    """
    if verdict.state == "nothing":
        return (
            "Nothing is known of its origin: it has no Content Credentials, no sidecar and no IPTC source type.",
            "That proves nothing either: credentials are lost when a file is saved anew or sent through most sites.",
            *verdict.notes,
        )
    return (_first(verdict), *_signer(verdict), *_statement_sentences(verdict), *_worth(verdict), *verdict.notes)


def _first(verdict: Verdict) -> str:
    faults = "; ".join(_FAULTS.get(fault, one_line(fault)) for fault in verdict.faults)
    if verdict.state == "broken":
        return f"Its credentials do not hold: {faults}."
    if verdict.state == "unsigned":
        return "It carries no signature, only words about its origin that anyone could have written."
    where = "Content Credentials" if verdict.found == "file" else "a signed sidecar"
    if verdict.state == "whole":
        return f"It has {where}, and it has not changed since it was signed."
    if verdict.found == "sidecar":
        return "It has a signed sidecar, but that is about other bytes: it was changed since, or they do not belong."
    return f"It has {where}, but it was changed after it was signed."


def _signer(verdict: Verdict) -> tuple[str, ...]:
    if verdict.state in ("unsigned", "broken"):
        return ()
    name = one_line(verdict.signer or "nobody by name") + (f" ({one_line(verdict.issuer)})" if verdict.issuer else "")
    if verdict.own:
        return (f"Signed with the key of this machine: {name}.",)
    return (f"Signed with a key that this machine does not know; its certificate says: {name}.",)


def _statement_sentences(verdict: Verdict) -> tuple[str, ...]:
    """What the file says of itself."""
    sentences = []
    if verdict.software or verdict.verb:
        verb = f" with `{one_line(verdict.verb)}`" if verdict.verb else ""
        sentences.append(f"Made by {one_line(verdict.software or 'some software')}{verb}.")
    if verdict.source_type:
        term = verdict.source_type.removeprefix(VOCABULARY)
        sentences.append(f"Source: {_SOURCES.get(term, one_line(term))} (IPTC {one_line(term)}).")
    if verdict.when:
        sentences.append(_time(verdict))
    sentences += [f"From a file with {one_line(name).replace(':', ' ', 1)}." for name in verdict.inputs]
    if verdict.recipe:
        sentences.append(f"Recipe: {_recipe(verdict.recipe)}.")
    return tuple(sentences)


def _time(verdict: Verdict) -> str:
    if verdict.stamped:
        return f"When: {one_line(verdict.when)}; time stamped {one_line(verdict.stamped)}."
    return f"When: {one_line(verdict.when)} by the signer's own clock; no time-stamping authority has confirmed it."


def _recipe(recipe: dict[str, Any]) -> str:
    parts = (f"{key} {json.dumps(value, ensure_ascii=False)}" for key, value in recipe.items() if value is not None)
    return one_line(", ".join(parts))


def _worth(verdict: Verdict) -> tuple[str, ...]:
    """What the finding proves and what it does not."""
    if verdict.state == "broken":
        return ("That proves nothing about its origin: neither what it says nor who says so can be relied on.",)
    if verdict.state == "unsigned":
        return ("That proves nothing: words can be written, copied and changed by anyone.",)
    if verdict.state == "changed":
        return (
            "That proves that this is not the file that was signed: what is said may be true of the one that was, "
            "and how far this one departs from it cannot be told.",
        )
    who = "the key of this machine" if verdict.own else "that key"
    proven = f"That proves that neither it nor what is said here was changed since someone with {who} signed it."
    limits = "It does not prove who that was, when it was, or that what is said about its making is true"
    reservation = "" if verdict.own else ": anyone can make a key and give it any name"
    return (proven, f"{limits}{reservation}.")
