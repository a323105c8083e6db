from .grad_cam import grad_cam as grad_cam
from .occlusion import occlusion as occlusion
from .saliency import saliency as saliency
