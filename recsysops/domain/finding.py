"""The identity of a finding: what stays the same when it is seen again."""

import hashlib


def finding_key(detector: str, rule: str, title_id: str, market: str, surface: str, subject: str) -> str:
    """Return the key under which a finding is followed over time.

    Args:
        detector: Name of the detector.
        rule: Its rule.
        title_id: The title.
        market: The market, or `all`.
        surface: The surface, or `all`.
        subject: The field or the measure; never a date, horizon, lead or time.

    Returns:
        32 hexadecimal characters.
    """
    parts = (detector, rule, title_id, market, surface, subject)
    text = "".join(f"{len(part)}:{part}" for part in parts)  # length-prefixed, so that no two tuples share a text
    return hashlib.sha256(text.encode()).hexdigest()[:32]
