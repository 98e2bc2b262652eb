"""Whether a text is a LightGBM model such as ours: every field is checked in Python before the library sees a byte.

LightGBM aborts, hangs or predicts something else on most damaged texts, so nothing is left to it. Linear in the size of
the text. Not for whether the numbers are the right ones: see `_golden`.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 64 << 20
MAX_TREES: Final = 20_000
MAX_LEAVES: Final = 4_096
MAX_COLUMNS: Final = 9_999

_INT: Final = r"-?[0-9]{1,10}"
_FLOAT: Final = r"-?[0-9]{1,320}(?:\.[0-9]{1,320})?(?:e[-+]?[0-9]{1,3})?"
_INTS: Final = re.compile(rf"(?:{_INT}(?: {_INT})*)?")
_FLOATS: Final = re.compile(rf"(?:{_FLOAT}(?: {_FLOAT})*)?")
_RANGE: Final = re.compile(rf"none|\[({_FLOAT}):({_FLOAT})\]")
_OBJECTIVE: Final = re.compile(rf"regression|regression_l1|huber|fair|mape|quantile alpha:{_FLOAT}")
_PARAMETER: Final = re.compile(r"\[([a-z_0-9]{1,64}): ([A-Za-z0-9_.,+\- ]{0,65536})\]")
_NUMBER: Final = re.compile(r"-?[0-9]{1,10}(?:\.[0-9]{1,20})?(?:e[-+]?[0-9]{1,2})?")
_WORDS: Final = frozenset({
    "boosting", "objective", "metric", "tree_learner", "device_type", "data_sample_strategy", "data", "valid",
    "monotone_constraints", "monotone_constraints_method", "feature_contri", "forcedsplits_filename",
    "cegb_penalty_feature_lazy", "cegb_penalty_feature_coupled", "interaction_constraints", "max_bin_by_feature",
    "label_column", "weight_column", "group_column", "ignore_column", "categorical_feature", "forcedbins_filename",
    "parser_config_file", "label_gain", "eval_at", "auc_mu_weights", "machine_list_filename", "machines",
    "gpu_device_id_list",
})  # fmt: skip
"""Parameters that are words or lists; every other one is a number."""
_SPLITS: Final = re.compile(r"f([0-9]{4,5})=([0-9]{1,10})")
_HEADER: Final = (
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
    "feature_infos", "tree_sizes",
)  # fmt: skip
_CONSTRAINTS: Final = "monotone_constraints"
_NODES: Final = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_WHOLE: Final = ("split_feature", "decision_type", "left_child", "right_child")
_TREE: Final = (
    "num_leaves", "num_cat", *_NODES, "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight",
    "internal_count", "is_linear", "shrinkage",
)  # fmt: skip
_DECISIONS: Final = frozenset({0, 2, 4, 6, 8, 10})
"""Numerical splits: bit 1 says where a missing value goes, bits 2 and 3 what is missing. Bit 0 is for categories."""
_FIXED: Final = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1", "label_index": "0"}
_END: Final = "end of trees\n\nfeature_importances:\n"


class RejectedError(ValueError):
    """A file is not what it should be; the argument says what was found."""


@dataclass(frozen=True)
class Tree:
    """What of a tree decides predictions; all tuples by node, children below 0 are leaves (-1 the first)."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    decision: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]


def trees_of(content: bytes, n_columns: int) -> tuple[Tree, ...]:
    """Return the trees of a LightGBM text after checking all of it.

    Args:
        content: The whole file.
        n_columns: How many features the model was given; their names are `f0000` and so on.

    Raises:
        RejectedError: Anything is not as LightGBM writes it.
    """
    _must(len(content) <= MAX_BYTES, f"{len(content)} bytes")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise RejectedError("it is not ASCII") from error
    head, blank, rest = text.partition("\n\n")
    _must(bool(blank) and head.startswith("tree\n"), "it has no header")
    sizes = _header(head.split("\n")[1:], n_columns)
    trees, gained, at = [], Counter[int](), 0
    for number, size in enumerate(sizes):
        tree, split = _tree(rest[at : at + size], number, n_columns)
        trees.append(tree)
        gained.update(split)
        at += size
    _must(rest.startswith(_END, at), "its trees do not end where its header says")
    _tail(rest[at + len(_END) :], gained)
    return tuple(trees)


def _header(lines: Sequence[str], n_columns: int) -> list[int]:
    wanted = list(_HEADER)
    if any(line.startswith(f"{_CONSTRAINTS}=") for line in lines):
        wanted.insert(wanted.index("feature_infos"), _CONSTRAINTS)
    entry = _entries(lines, wanted, "header")
    for key, value in _FIXED.items():
        _must(entry[key] == value, f"its header says {key}={entry[key][:20]}")
    _must(0 < n_columns <= MAX_COLUMNS and entry["max_feature_idx"] == str(n_columns - 1), "it has other columns")
    _must(_OBJECTIVE.fullmatch(entry["objective"]) is not None, "its objective is none of ours")
    _must(entry["feature_names"] == " ".join(f"f{at:04d}" for at in range(n_columns)), "its columns have other names")
    if _CONSTRAINTS in entry:
        signs = _whole(entry[_CONSTRAINTS])
        _must(len(signs) == n_columns and set(signs) <= {-1, 0, 1}, "its constraints make no sense")
    ranges = entry["feature_infos"].split(" ")
    _must(len(ranges) == n_columns, "its columns have no ranges")
    for said in ranges:
        found = _RANGE.fullmatch(said)
        _must(found is not None, "a column's range makes no sense")
        if found is not None and found[1]:
            low, high = _numbers(f"{found[1]} {found[2]}")
            _must(low <= high, "a column's range is upside down")
    sizes = _whole(entry["tree_sizes"])
    _must(0 < len(sizes) <= MAX_TREES and min(sizes) > 0, f"it has {len(sizes)} trees")
    return sizes


def _tree(text: str, number: int, n_columns: int) -> tuple[Tree, list[int]]:
    """Return a tree, and the feature of each of its splits that gained something."""
    lines = text.split("\n")
    _must(lines[0] == f"Tree={number}" and lines[-3:] == ["", "", ""], f"tree {number} is cut, or another one")
    entry = _entries(lines[1:-3], _TREE, f"tree {number}")
    leaves = _whole(entry["num_leaves"])
    _must(len(leaves) == 1 and 1 <= leaves[0] <= MAX_LEAVES, f"tree {number} has a wrong number of leaves")
    is_plain = entry["num_cat"] == "0" and entry["is_linear"] == "0"
    _must(is_plain, f"tree {number} has categories or linear leaves")
    shrinkage = _numbers(entry["shrinkage"])
    _must(len(shrinkage) == 1 and 0 < shrinkage[0] <= 1, f"tree {number} has a wrong shrinkage")
    n = leaves[0] - 1
    feature, decision, left, right = (_whole(entry[key]) for key in _WHOLE)
    gain, threshold = (_numbers(entry[key]) for key in ("split_gain", "threshold"))
    lists = (feature, decision, left, right, gain, threshold)
    _must(all(len(values) == n for values in lists), f"tree {number} has lists of wrong length")
    _must(all(0 <= each < n_columns for each in feature), f"tree {number} splits on a column that is not there")
    _must(set(decision) <= _DECISIONS, f"tree {number} decides otherwise than by numbers")
    _must(_is_one_tree(left, right), f"tree {number} is no tree")
    _counts(entry, number, left, right)
    split = [each for each, gained in zip(feature, gain, strict=True) if gained > 0]
    tree = Tree(tuple(feature), tuple(threshold), tuple(decision), tuple(left), tuple(right))
    return tree, split


def _is_one_tree(left: Sequence[int], right: Sequence[int]) -> bool:
    """Say whether every node but the first, and every leaf, is the child of exactly one earlier node."""
    n = len(left)
    if not all(child > at for children in (left, right) for at, child in enumerate(children) if child >= 0):
        return False
    return not n or sorted([*left, *right]) == [*range(-n - 1, 0), *range(1, n)]


def _counts(entry: dict[str, str], number: int, left: Sequence[int], right: Sequence[int]) -> None:
    """Check what is told of leaves and nodes: lengths, finite numbers, and counts that add up."""
    n = len(left)
    for key, wanted in (("leaf_value", n + 1), ("internal_value", n), ("internal_weight", n)):
        _must(len(_numbers(entry[key])) == wanted, f"tree {number} has lists of wrong length")
    # Of a tree that is a single leaf LightGBM writes no weight.
    _must(len(_numbers(entry["leaf_weight"])) in {n + 1, n}, f"tree {number} has lists of wrong length")
    leaf, inner = _whole(entry["leaf_count"]), _whole(entry["internal_count"])
    _must(len(inner) == n and (len(leaf) == n + 1 or not n), f"tree {number} has lists of wrong length")
    _must(all(count >= 0 for count in leaf), f"tree {number} has negative counts")
    if n:
        of = [(inner[one] if one >= 0 else leaf[~one]) + (inner[two] if two >= 0 else leaf[~two])
              for one, two in zip(left, right, strict=True)]  # fmt: skip
        _must(of == inner, f"tree {number} has counts that do not add up")


def _tail(text: str, gained: Counter[int]) -> None:
    """Check what follows the trees: importances, parameters, and that nothing comes after them."""
    importances, found, rest = text.partition("\nparameters:\n")
    _must(bool(found), "it has no parameters")
    said: dict[int, int] = {}
    for line in importances.split("\n")[:-1]:
        match = _SPLITS.fullmatch(line)
        _must(match is not None, "an importance makes no sense")
        if match is not None:
            said[int(match[1])] = int(match[2])
    _must(said == dict(gained), "its importances are not those of its trees")
    _parameters(rest)


def check_parameters(content: bytes) -> None:
    """Check the end of a LightGBM text alone: what the library makes of a line that is no parameter is undefined.

    Raises:
        RejectedError: A parameter is not as LightGBM writes it, or something else follows.
    """
    before, found, rest = content.decode("ascii", "replace").partition("\nparameters:\n")
    _must(bool(found) and "end of parameters" not in before, "it has no parameters")
    _parameters(rest)


def _parameters(text: str) -> None:
    parameters, found, end = text.partition("\nend of parameters\n")
    _must(bool(found) and end in {"\npandas_categorical:[]\n", "\npandas_categorical:null\n"}, "it ends otherwise")
    said = [_PARAMETER.fullmatch(line) for line in parameters.split("\n")[:-1]]
    pairs = [(match[1], match[2]) for match in said if match is not None]
    is_sound = all(name in _WORDS or _NUMBER.fullmatch(value) for name, value in pairs)
    is_once = len(pairs) == len(said) == len({name for name, _ in pairs})
    _must(is_sound and is_once, "a parameter makes no sense")


def _entries(lines: Sequence[str], wanted: Sequence[str], what: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in lines]
    _must([key for key, _, _ in pairs] == list(wanted), f"the fields of its {what} are others")
    return {key: value for key, _, value in pairs}


def _whole(text: str) -> list[int]:
    _must(_INTS.fullmatch(text) is not None, "a list of whole numbers makes no sense")
    return [int(each) for each in text.split()]


def _numbers(text: str) -> list[float]:
    _must(_FLOATS.fullmatch(text) is not None, "a list of numbers makes no sense")
    values = [float(each) for each in text.split()]
    _must(all(map(math.isfinite, values)), "a number is not finite")
    return values


def _must(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_so:
        raise RejectedError(otherwise)
