import json
import math
import re

import pytest

from nbutils.errors import DataError, ParameterError
from nbutils.models import DeepID2Plus, MobileIDStudent
from nbutils.papers import beside, claim, paper, printed
from nbutils.papers.printed_tables import parse_paper
from nbutils.paths import notebooks_dir
from nbutils.reporting import judge

PAPER = """
title: T
authors: [A]
venue: V
tables:
  t: {{title: T, source: S, index: m, rows: [{{m: a, x: 1}}, {{m: b, x: 2}}]}}
claims:
  - {{id: c, text: T, source: S, measure: m, relation: greater, table: t, rows: [{rows}]}}
"""


def test_fig3_as_printed() -> None:
    frame = printed("luo2016", "fig3")

    assert frame["AUC"].to_dict() == {
        "T1": 97.83,
        "1-of-K": 91.23,
        "1-of-K + attributes": 91,
        "soft t=1": 94.42,
        "soft t=10": 97.15,
        "logits": 96.75,
        "neurons": 97.73,
        "selection": 98.18,
    }
    assert math.isnan(frame.loc["T1", "targets"])  # type: ignore[arg-type]
    assert frame.loc["selection", "targets"] == 422


def test_headline_follows_from_the_tables() -> None:
    headline = printed("luo2016", "headline")["value"]
    parameters, times = (
        printed("luo2016", "table1_parameters")["test"],
        printed("luo2016", "fig7")["milliseconds"],
    )

    assert headline["times fewer parameters"] == pytest.approx(parameters["six T1"] / parameters["S"])
    assert headline["times faster"] == times["six T1"] / times["S"]
    fig5 = printed("luo2016", "fig5")["AUC"]
    assert headline["AUC gained"] == pytest.approx(fig5["selection†"] - fig5["ensemble"])


def test_the_selection_has_the_length_of_the_targets() -> None:
    chosen = printed("luo2016", "selection")["chosen"]
    for table, network in (("fig3", "T1"), ("fig4", "T2"), ("fig5", "six T1")):
        assert printed("luo2016", table).loc["selection", "targets"] == chosen[network]


@pytest.mark.parametrize("name", ["luo2016", "wang2017"])
def test_every_claim_is_borne_out_by_the_numbers_it_prints(name: str) -> None:
    compared = [item for item in paper(name).claims if item.rows]
    assert compared
    for item in compared:
        table = paper(name).tables[item.table or ""]
        first, second = (table.value(row) for row in item.rows or ())
        assert judge(first - second, first - second, relation=item.relation) == "holds", item.id


@pytest.mark.parametrize(
    ("table", "kind", "least", "most"),
    [
        ("table4", "distill", 4.73, 8.08),
        ("table5", "distill", 4.33, 7.13),
        ("table4", "hidden", -3.32, -0.03),
        ("table5", "hidden", -1.88, -0.43),
        ("table5", "soft", 0.12, 1.60),
        ("table5", "soft over hidden", 0.91, 3.16),
        ("table5", "over table 4", 0.83, 9.88),
        ("table4", "no target best", -2.52, 0.17),
    ],
)
def test_what_the_claims_say_of_many_cells_follows_from_tables_4_and_5(
    table: str, kind: str, least: float, most: float
) -> None:
    top1 = printed("wang2017", table)["top-1"]
    sizes, inits, influences = ("/2", "/4", "/8"), ("Pretrain", "Distill"), ("0 0", "0 1", "1 0")
    if kind == "distill":
        differences = [top1[f"{s} Distill {i}"] - top1[f"{s} Pretrain {i}"] for s in sizes for i in influences]
    elif kind == "over table 4":
        differences = list((top1 - printed("wang2017", "table4")["top-1"]).drop("teacher"))
    else:
        told, other = {
            "hidden": ("0 1", "0 0"),
            "soft": ("1 0", "0 0"),
            "soft over hidden": ("1 0", "0 1"),
            "no target best": ("0 0", "1 0"),
        }[kind]
        differences = [top1[f"{s} {i} {told}"] - top1[f"{s} {i} {other}"] for s in sizes for i in inits]
    assert min(differences) == pytest.approx(least)
    assert max(differences) == pytest.approx(most)


def test_what_the_claims_say_of_lfw_follows_from_table_2() -> None:
    for item in paper("wang2017").claims:
        if "-lfw-" not in item.id:
            continue
        lfw = printed("wang2017", "_".join(item.id.split("-")[:2]))["LFW"]
        names = [part.rpartition(" ")[0] for part in item.printed.partition(" (")[0].split(", ")]
        first, second = (lfw[name] for name in names)
        change = f"{first - second:+.3g}".replace("-", "−")
        assert item.printed == f"{names[0]} {first:g}, {names[1]} {second:g} ({change})", item.id
        assert judge(first - second, first - second, relation=item.relation, reference=item.reference) == "holds"


@pytest.mark.parametrize("name", ["luo2016", "wang2017"])
def test_every_claim_is_judged_by_a_notebook_of_its_paper(name: str) -> None:
    cells = [
        "".join(cell["source"])
        for file in (notebooks_dir() / name).glob("*.ipynb")
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    source = "\n".join(cells)
    for item in paper(name).claims:
        rest = item.id.partition("-")[2]
        written = (item.id, f"{{table}}-{rest}", re.sub("-(pretrain|distill)$", "-{start.lower()}", item.id))
        assert any(each in source for each in written), f"{item.id} is judged nowhere"


def test_a_claim_prints_both_numbers() -> None:
    assert claim("luo2016", "fig3-selection-over-neurons").printed == "selection 98.18, neurons 97.73 (+0.45)"


def test_ours_stand_beside_the_print() -> None:
    ours = printed("luo2016", "fig3")[["AUC"]].rename(index={"logits": "ours alone"}) - 10

    joined = beside("luo2016", "fig3", ours)

    assert list(joined.columns) == ["paper AUC", "AUC"]
    assert joined.loc["neurons"].to_dict() == {"paper AUC": 97.73, "AUC": pytest.approx(87.73)}
    assert math.isnan(joined.loc["ours alone", "paper AUC"])  # type: ignore[arg-type]


@pytest.mark.parametrize("network", ["T1", "S"])
def test_networks_count_near_the_printed_parameters(network: str) -> None:
    model = {"T1": DeepID2Plus(), "S": MobileIDStudent()}[network]
    printed_millions = printed("luo2016", "table1_parameters").loc[network, "training"]

    counted = sum(weight.numel() for weight in model.parameters()) / 1e6

    assert counted == pytest.approx(float(printed_millions), rel=0.1)  # type: ignore[arg-type]


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'luo2016'"):
        printed("luo2061", "fig3")
    with pytest.raises(ParameterError, match="did you mean 'fig3'"):
        printed("luo2016", "fig_3")
    with pytest.raises(ParameterError, match="did you mean 'fig3-selection-over-neurons'"):
        claim("luo2016", "fig3-selection-neurons")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PAPER.format(rows="a, z"), "no row 'z'"),
        (PAPER.format(rows="a, b").replace("table: t", "table: u"), "no table 'u'"),
        (
            PAPER.format(rows="a, b").replace("{m: b, x: 2}", "{m: b, y: 2}"),
            r"tables\.t: .*row 2 has columns",
        ),
        (PAPER.format(rows="a, b").replace("{m: b", "{m: a"), "two rows have the same m"),
        (PAPER.format(rows="a, b").replace("x: 2", "x: .nan"), r"tables\.t\.rows"),
        ("title: [", "not YAML"),
    ],
)
def test_a_malformed_file_names_itself_and_the_place(text: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"^made\.yml: .*{message}"):
        parse_paper(text, "made.yml")
