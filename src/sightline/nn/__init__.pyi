from .classifier import Classifier as Classifier
from .normalize import Normalize as Normalize
from .soft_cross_entropy import soft_cross_entropy as soft_cross_entropy
