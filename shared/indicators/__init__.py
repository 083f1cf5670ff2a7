"""Indicators: pure functions over sequences of numbers, in TA-Lib's order of operations where TA-Lib has them.

With usual periods that gives its very bits; a build of TA-Lib that fuses multiply and add may round once less.
"""
