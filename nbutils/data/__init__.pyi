from .attributes import ATTRIBUTES, CELEBA_PREVALENCE, IDENTITY_RELATED, NON_IDENTITY_ATTRIBUTES
from .batches import CropWindows, FaceBatches, central_crops
from .collection import Collection
from .cropping import crop_face, crop_faces
from .decode import decode_image
from .faces import FaceData, Faces, Pairs
from .geometry.face_regions import REGIONS, cut_region, mirrored_region
from .geometry.key_points import require_landmarks
from .geometry.template import LARGE_INPUT, SMALL_INPUT
from .held_out import held_out_images, outside_fold
from .layouts.base import Layout, known_layouts, open_collection, recognise, write_collection
from .loading import data_spec, load_faces
from .manifest import Manifest, known_manifests, load_manifest
from .pack.packer import pack_collection
from .pairs import draw_pairs
from .people_names import shared_people
from .pixels import to_unit_range
from .probes import Probes, find_probes
from .sources.attribute_faces import AttributeFaces
from .sources.digits import DigitsData
from .sources.embedded import SyntheticData
from .sources.on_disk import FolderData
from .spec import AnyDataSpec, DataSize, DataSpec, known_kinds
from .splits import Split, draw_split, load_split
from .synthetic import SyntheticFaces
from .upkeep.check import check_collection
from .upkeep.fetch import fetch_files
from .upkeep.overlap import near_duplicates
from .upkeep.survey import Survey, survey_collection

__all__ = [
    "ATTRIBUTES",
    "CELEBA_PREVALENCE",
    "IDENTITY_RELATED",
    "LARGE_INPUT",
    "NON_IDENTITY_ATTRIBUTES",
    "REGIONS",
    "SMALL_INPUT",
    "AnyDataSpec",
    "AttributeFaces",
    "Collection",
    "CropWindows",
    "DataSize",
    "DataSpec",
    "DigitsData",
    "FaceBatches",
    "FaceData",
    "Faces",
    "FolderData",
    "Layout",
    "Manifest",
    "Pairs",
    "Probes",
    "Split",
    "Survey",
    "SyntheticData",
    "SyntheticFaces",
    "central_crops",
    "check_collection",
    "crop_face",
    "crop_faces",
    "cut_region",
    "data_spec",
    "decode_image",
    "draw_pairs",
    "draw_split",
    "fetch_files",
    "find_probes",
    "held_out_images",
    "known_kinds",
    "known_layouts",
    "known_manifests",
    "load_faces",
    "load_manifest",
    "load_split",
    "mirrored_region",
    "near_duplicates",
    "open_collection",
    "outside_fold",
    "pack_collection",
    "recognise",
    "require_landmarks",
    "shared_people",
    "survey_collection",
    "to_unit_range",
    "write_collection",
]
