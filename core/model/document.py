"""A document: an incident, a decision or anything else that we tell, as plain JSON values by key."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]
