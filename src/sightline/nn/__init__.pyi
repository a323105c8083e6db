from .classifier import Classifier as Classifier
from .focal_loss import focal_loss as focal_loss
from .giou_loss import giou_loss as giou_loss
from .gram_matrix import gram_matrix as gram_matrix
from .normalize import Normalize as Normalize
from .soft_cross_entropy import soft_cross_entropy as soft_cross_entropy
from .total_variation import total_variation as total_variation
