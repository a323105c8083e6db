from .haar_cascade import HaarCascade as HaarCascade
