"""Prediction of treatment: features, training, quantiles, comparable titles, artifacts.

The only place for LightGBM and scikit-learn. Not for gaps, expectations or findings:
a forecaster knows past launches only.
"""
