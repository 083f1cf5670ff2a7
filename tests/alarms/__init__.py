"""Each alarm through its threshold and back, by the code that really measures, and CloudWatch's rules in between."""
