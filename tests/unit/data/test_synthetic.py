import numpy as np
import pytest

from nbutils.data.attributes import ATTRIBUTES, CELEBA_PREVALENCE, IDENTITY_RELATED
from nbutils.data.sources.embedded import SyntheticData
from nbutils.data.synthetic import SyntheticFaces
from nbutils.data.synthetic.population import image_attributes, person_attributes
from nbutils.errors import ParameterError


def test_an_image_is_the_same_alone_and_in_any_company() -> None:
    faces = SyntheticFaces(seed=3)
    together = faces.render(np.arange(150), 40, 37)
    for index in (0, 57, 149):
        alone = faces.render([index], 40, 37)
        np.testing.assert_array_equal(alone.images[0], together.images[index])
        np.testing.assert_array_equal(alone.attributes[0], together.attributes[index])
        np.testing.assert_array_equal(alone.landmarks[0], together.landmarks[index])
    assert not np.array_equal(SyntheticFaces(seed=4).render([0], 40, 37).images[0], together.images[0])


def test_attributes_of_a_person_stay_and_those_of_the_moment_vary() -> None:
    batch = SyntheticFaces().render(np.arange(400), 16, 16)
    by_person = batch.attributes.reshape(20, 20, 40)
    varies = (by_person != by_person[:, :1]).any(axis=(0, 1))
    np.testing.assert_array_equal(batch.identity, np.arange(400) // 20)
    assert not varies[IDENTITY_RELATED].any()
    assert varies[~IDENTITY_RELATED].all()


def test_prevalences_are_celebas() -> None:
    people = np.arange(50_000)
    has = person_attributes(0, people)
    has |= image_attributes(0, people, people, has)
    measured = np.array([has[name].mean() for name in ATTRIBUTES])
    np.testing.assert_allclose(measured, CELEBA_PREVALENCE, atol=0.02)
    colours = sum(has[name].astype(int) for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Bald"))
    assert np.max(colours) == 1
    assert not (has["No_Beard"] & (has["Goatee"] | has["Mustache"] | has["5_o_Clock_Shadow"])).any()
    assert not (has["Goatee"] & ~has["Male"]).any()


def test_landmarks_lie_on_the_face_and_a_pupil_is_dark() -> None:
    batch = SyntheticFaces().render(np.arange(200), 128, 112)
    marks = batch.landmarks
    assert (marks >= 0).all()
    assert (marks < [112, 128]).all()
    assert (marks[:, 0, 0] < marks[:, 1, 0]).all()
    assert (marks[:, 3, 0] < marks[:, 4, 0]).all()
    assert (marks[:, :2, 1].max(axis=1) < marks[:, 2, 1]).all()
    assert (marks[:, 2, 1] < marks[:, 3:, 1].min(axis=1)).all()
    frontal = np.flatnonzero(np.abs(batch.pose[:, 0]) < 8)
    darker = []
    for i in frontal:
        x, y = marks[i, 0].round().astype(int)
        grey = batch.images[i].mean(axis=2)
        darker.append(grey[y - 1 : y + 2, x - 1 : x + 2].mean() < grey[y + 14, x - 2 : x + 3].mean())
    assert np.mean(darker) > 0.8


def test_images_of_a_person_differ_as_much_as_wished() -> None:
    index = np.arange(60)
    plain, strong, still = (SyntheticFaces(0, 20, variation).render(index, 64, 56) for variation in (1.0, 1.5, 0.0))
    np.testing.assert_array_equal(strong.attributes, plain.attributes)
    np.testing.assert_allclose(strong.pose, 1.5 * plain.pose, rtol=1e-5)
    assert not still.pose.any()
    between = [batch.images.reshape(3, 20, -1).astype(float).std(axis=1).mean() for batch in (still, plain, strong)]
    assert between[0] < between[1] < between[2]
    for marks in (plain.landmarks, strong.landmarks):
        assert (marks >= 0).all()
        assert (marks < [56, 64]).all()


@pytest.mark.parametrize("indices", [[-1], [0.5], [[1]]])
def test_indices_that_name_no_image_are_refused(indices: list[float]) -> None:
    with pytest.raises(ParameterError, match="indices"):
        SyntheticFaces().render(indices)


def test_sizes_and_populations_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="height"):
        SyntheticFaces().render([0], 8, 64)
    with pytest.raises(ParameterError, match="images_per_identity"):
        SyntheticFaces(images_per_identity=0)
    for variation in (-0.1, float("inf"), float("nan")):
        with pytest.raises(ParameterError, match=r"variation is .*: expected a multiple"):
            SyntheticFaces(variation=variation)


def test_the_data_set_has_disjoint_people_and_balanced_pairs_in_ten_folds() -> None:
    data = SyntheticData(identities=5, images_per_identity=4, validation_images=30, pairs=200).load()
    assert data.validation is not None
    people = [set(part.identity_names) for part in (data.train, data.validation, data.test)]
    assert len(set.union(*people)) == sum(map(len, people))
    assert len(data.train) == 20
    assert len(data.pairs) == 200
    same = data.test.identity[data.pairs.first] == data.test.identity[data.pairs.second]
    np.testing.assert_array_equal(same, data.pairs.same)
    assert data.pairs.same.sum() == 100
    assert np.bincount(data.pairs.fold).tolist() == [20] * 10
