from .accuracy import accuracy as accuracy
from .accuracy import top_k_accuracy as top_k_accuracy
from .bootstrap_interval import bootstrap_interval as bootstrap_interval
from .calibration_error import Calibration as Calibration
from .calibration_error import calibration_error as calibration_error
from .confusion_matrix import ClassScores as ClassScores
from .confusion_matrix import confusion_matrix as confusion_matrix
from .confusion_matrix import precision_recall_f1 as precision_recall_f1
