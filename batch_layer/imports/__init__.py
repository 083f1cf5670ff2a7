"""Bars that people bring along in files of their own: CSV and Parquet, row by row, what is wrong named by its line."""
