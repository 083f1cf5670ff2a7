"""Indicators: pure functions over sequences of numbers, in TA-Lib's order of operations where TA-Lib has them.

On prices that gives its very bits; a build of TA-Lib that fuses multiply and add rounds small values once less.
"""
