"""Backtests: what other rules would have made of the same records.

`side.py` folds records under documents of ours in the place of those that were in force; `compare` sets two
such folds side by side. Only a backtest decides history anew, and nothing of it is kept.
"""

from __future__ import annotations

from core.backtest.compare import SHOWN, compare
from core.backtest.model import Comparison, comparison_json

__all__ = ["SHOWN", "Comparison", "compare", "comparison_json"]
