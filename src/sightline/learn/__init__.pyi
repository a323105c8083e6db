from . import autograd as autograd
from .autograd import Tensor as Tensor
from .autograd import gradients as gradients
from .grad_check import grad_check as grad_check
from .graph_picture import draw_graph as draw_graph
from .lda import LDA as LDA
from .pca import PCA as PCA
