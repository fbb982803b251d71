"""The papers' networks, each from its table, and the layers they need."""

from nbutils.models.deepid2plus import DeepID2Plus
from nbutils.models.deepid3 import DeepID3
from nbutils.models.deployed import Deployed
from nbutils.models.features import FeatureLayer, extract_features
from nbutils.models.layers import LocallyConnected2d
from nbutils.models.mlp import MLP
from nbutils.models.mobileid import MobileIDStudent, deployed_student
from nbutils.models.outputs import FaceNetwork, FaceOutputs
from nbutils.models.probing import module_features
from nbutils.models.resnet import FaceResNet, resnet50
from nbutils.models.torchvision_resnet import TorchvisionResNet
from nbutils.models.view import View

__all__ = [
    "MLP",
    "DeepID2Plus",
    "DeepID3",
    "Deployed",
    "FaceNetwork",
    "FaceOutputs",
    "FaceResNet",
    "FeatureLayer",
    "LocallyConnected2d",
    "MobileIDStudent",
    "TorchvisionResNet",
    "View",
    "deployed_student",
    "extract_features",
    "module_features",
    "resnet50",
]
