"""The command line: `condvest up | query | vendor | doctor | clean`."""
