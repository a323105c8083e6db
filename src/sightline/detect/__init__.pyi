from .iou import iou as iou
