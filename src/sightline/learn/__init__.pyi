from .lda import LDA as LDA
from .pca import PCA as PCA
