"""Checks of w3d7: one frame of a Kalman filter of one number."""

from sightline.lab.grading import Case


def solution(state, covariance, measurement, noise):
    """Predict, and mix by the gain."""
    covariance = covariance + 0.01
    if measurement is None:
        return state, covariance
    gain = covariance / (covariance + noise)
    return state + gain * (measurement - state), (1 - gain) * covariance


def cases():
    """Yield an even mix, a sure state, a sure measurement, nothing seen."""
    yield Case("as sure as the measurement", (0.0, 0.99, 4.0, 1.0), 1e-9, "With equal variances it is the mean.")
    yield Case("a sure state", (2.0, 0.001, 10.0, 5.0), 1e-9, "A small covariance moves little.")
    yield Case("a sure measurement", (2.0, 100.0, 10.0, 1e-6), 1e-9)
    yield Case("nothing seen", (3.0, 0.5, None, 1.0), 1e-9, "Without a measurement there is only the prediction.")
    yield Case("below zero", (-1.0, 2.0, -3.0, 0.5), 1e-9)


def wrong_no_prediction(state, covariance, measurement, noise):
    """Forget that motion makes unsure."""
    if measurement is None:
        return state, covariance
    gain = covariance / (covariance + noise)
    return state + gain * (measurement - state), (1 - gain) * covariance


def wrong_gain(state, covariance, measurement, noise):
    """Believe the noisier one."""
    covariance = covariance + 0.01
    if measurement is None:
        return state, covariance
    gain = noise / (covariance + noise)
    return state + gain * (measurement - state), (1 - gain) * covariance


def wrong_average(state, covariance, measurement, noise):
    """Always take the mean."""
    covariance = covariance + 0.01
    if measurement is None:
        return state, covariance
    return (state + measurement) / 2, covariance * noise / (covariance + noise)
