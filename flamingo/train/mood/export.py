"""From a training run to the shipped mood model: an ONNX file, what is needed to judge by it, and a model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from flamingo import images
from flamingo.errors import BadRequest, ModelCorrupt
from flamingo.mood import features
from flamingo.mood.features import NAMES
from flamingo.mood.preprocess import seen
from flamingo.mood.valence_arousal import probabilities
from flamingo.nn.checkpoint import Checkpoint
from flamingo.nn.efficientnet import FEATURES, pretrained
from flamingo.train import onnx_files
from flamingo.train.manifest import files_of, release_of, version_of
from flamingo.train.mood import card, data
from flamingo.train.mood.loop import CHECKPOINT, WAYS, correlations
from flamingo.train.mood.moods import CLASSES, clear_cases
from flamingo.train.mood.networks import AXES, FeelConfig, FeelNet, Late, Several

Array = NDArray[Any]

_MOST_DIFFERENCE = 0.1  # between the network as it was trained and as it is shipped, in parts of the spread
_RANKS = np.linspace(-1, 1, 41)


def release(
    runs: Sequence[Path], weights: Path, *, folders: tuple[str, ...], note: str = "", data_note: str = ""
) -> dict[str, Any]:
    """Export the model of a run into the folder `weights` as `feel`, with its card, and return its manifest entry. Of
    several runs the model is the mean of theirs.

    folders: the photos it was trained on, for what is measured on them. Raises ModelCorrupt for a run that is not
    finished, or if the exported file judges otherwise than the trained networks; BadRequest for runs that saw other
    photos, or the same in other folds.
    """
    saved = [_finished(run) for run in runs]
    configs = [FeelConfig(**checkpoint.facts["config"]) for checkpoint in saved]
    _check_alike(runs, saved, configs)
    examples = data.find(folders)
    pictures = [images.read(e.file) for e in examples]
    size = configs[0].size
    shown = [seen(p, size) for p in pictures]
    whole = [_whole(config, checkpoint, shown) for config, checkpoint in zip(configs, saved, strict=True)]
    net = Several([part for part, _ in whole]).eval()
    distances = np.mean([distances_of_run for _, distances_of_run in whole], axis=0)
    with release_of("feel", weights) as release:
        file = release.folder / "feel.onnx"
        h, w = torch.export.Dim("h", min=3, max=64), torch.export.Dim("w", min=3, max=64)
        onnx_files.export(
            net, (torch.rand(1, 3, 224, 288),), file,
            shapes=({2: 32 * h, 3: 32 * w},), inputs=("photo",), outputs=("point", "map", "distance"), bits=8,
        )  # fmt: skip
        if (difference := _difference(net, file, shown[:: max(1, len(shown) // 24)])) > _MOST_DIFFERENCE:
            raise ModelCorrupt(
                str(file), f"it differs from the trained network by {difference:.3f} of the spread", "report this"
            )
        described = files_of({"onnx": file})
        targets = np.array([(e.valence, e.arousal) for e in examples])
        unseen = {way: unseen_by(saved, way) for way in WAYS}
        judgement = {
            "size": size,
            # How wrong it may be is what it was on photos of kinds that it had not seen; where a judgement ranks, and
            # which moods fit it, is better told from the folds of photos (on both kinds: docs/LEADERBOARD.md).
            **scale(unseen["photo"], targets, distances),
            "sd": scale(unseen["theme"], targets, distances)["sd"],
            **moods_of(unseen["photo"], examples),
            "features": _usual(np.stack([features.measure(features.shrunk(p.rgb)) for p in pictures]), targets),
        }
        release.entry = {
            "version": version_of(described["onnx"]),
            "files": described,
            "networks": [
                {**config.as_dict(), "parameters": sum(p.numel() for p in part.parameters())}
                for config, (part, _) in zip(configs, whole, strict=True)
            ],
            "training": {
                "command": "flamingo train feel",
                "photos": len(examples),
                "seconds": round(sum(checkpoint.facts["seconds"] for checkpoint in saved)),
                "seed": saved[0].facts["seed"],
                "sessions": [_short(s) for checkpoint in saved for s in checkpoint.facts["sessions"]],
                "figures": {
                    f"{way} {axis}": round(r, 4)
                    for way, predicted in unseen.items()
                    for axis, r in correlations(predicted, targets).items()
                },
            },
            "export_difference": round(difference, 5),
            "judgement": judgement,
            "data": data_note,
            "note": note,
        }
        release.card("feel", card.write("feel", release.entry))
    return release.entry


def unseen_by(saved: Sequence[Checkpoint], way: str) -> Array:
    """(n, 2) float: what the folds' models said of the photos that they had not seen, the mean over the runs."""
    predictions = [checkpoint.tensors[f"{way}.predicted"].numpy().astype(float) for checkpoint in saved]
    return np.asarray(np.mean(predictions, axis=0))


def _finished(run: Path) -> Checkpoint:
    saved = Checkpoint.load(run / CHECKPOINT)
    if not saved.facts["finished"]:
        raise ModelCorrupt(str(run), "its training is not finished", "go on with `flamingo train feel --resume`")
    return saved


def _check_alike(runs: Sequence[Path], saved: Sequence[Checkpoint], configs: Sequence[FeelConfig]) -> None:
    """The mean of several models was measured on unseen photos only if a fold of one is a fold of all."""

    def known(i: int) -> tuple[Any, ...]:
        facts = saved[i].facts
        return facts["files"], facts["seed"], facts["sessions"][-1]["recipe"]["folds"], configs[i].size

    for i in range(1, len(saved)):
        if known(i) != known(0):
            raise BadRequest(
                str(runs[i]), f"it saw other photos, folds or sizes than {runs[0]}", "train both with the same"
            )


@torch.no_grad()
def _whole(config: FeelConfig, saved: Checkpoint, photos: list[Array]) -> tuple[FeelNet, Array]:
    """The network as it ships, its principal axes taken over the training photos, and the photos' own distances."""
    backbone = pretrained(config.backbone)
    late = Late(backbone, config.frozen)
    late.load_state_dict({k: t.float() for k, t in saved.part("late").items()})
    net = FeelNet(backbone, late, torch.zeros(FEATURES), torch.eye(FEATURES)[:, :AXES]).eval()
    stem, early = net.stem, net.early
    pooled_rows = []
    for photo in photos:
        x = early(torch.nn.functional.relu6(stem((torch.from_numpy(photo) * 255 - 127) / 128)))
        pooled_rows.append(late.places(x).mean((0, 2, 3)))
    pooled = torch.stack(pooled_rows)
    centre = pooled.mean(0)
    _, s, vh = torch.linalg.svd(pooled - centre, full_matrices=False)
    count = min(AXES, int((s > 1e-4).sum()))
    axes = vh[:count].T / (s[:count] / len(photos) ** 0.5)
    net.centre, net.axes = torch.nn.Buffer(centre), torch.nn.Buffer(axes)
    return net, ((pooled - centre) @ axes).square().mean(1).numpy()


def _difference(net: Several, file: Path, photos: list[Array]) -> float:
    """How far the file's judgements are from the network's, over some photos and the same photos on their sides: root
    mean square, in parts of the spread of the judgements; the larger of valence and arousal."""
    import onnxruntime as ort

    ran = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    shown = [*photos, *(np.ascontiguousarray(photo.transpose(0, 1, 3, 2)) for photo in photos[::4])]
    actual = np.stack([ran.run(None, {"photo": photo})[0][0] for photo in shown])
    with torch.no_grad():
        expected = np.stack([net(torch.from_numpy(photo))[0].numpy()[0] for photo in shown])
    return float((np.sqrt(((actual - expected) ** 2).mean(0)) / expected.std(0)).max())


def scale(unseen: Array, targets: Array, distances: Array) -> dict[str, Any]:
    """How wrong the model is on photos it had not seen ("sd": for each axis the standard deviation at distance 1, and
    by how much the variance grows with the distance), and the ranks of its judgements among photos."""
    sd, quantiles = [], []
    for i in (0, 1):
        errors = (unseen[:, i] - targets[:, i]) ** 2
        beyond = np.maximum(distances - 1, 0)
        slope = float(max(0.0, np.cov(beyond, errors)[0, 1] / max(beyond.var(ddof=1), 1e-9)))
        base = float(np.sqrt(max(errors.mean() - slope * beyond.mean(), 0.25 * errors.mean())))
        sd.append([round(base, 4), round(slope, 5)])
        # Valence has a middle that means something, neither pleasant nor unpleasant; arousal has the usual photo.
        middle = 0.0 if i == 0 else float(np.median(unseen[:, i]))
        below, above = unseen[unseen[:, i] < middle, i], unseen[unseen[:, i] > middle, i]
        table = [np.quantile(below, q) for q in np.linspace(0, 1, 21)[:-1]] if len(below) else [middle] * 20
        table += [middle]
        table += [np.quantile(above, q) for q in np.linspace(0, 1, 21)[1:]] if len(above) else [middle] * 20
        quantiles.append([round(float(x), 4) for x in np.maximum.accumulate(table) + np.arange(41) * 1e-6])
    return {"sd": sd, "ranks": [round(float(r), 3) for r in _RANKS], "quantiles": quantiles}


def moods_of(unseen: Array, examples: list[data.Example]) -> dict[str, Any]:
    """The spreads of moods about their words' places, along valence and arousal, chosen so that the probabilities of
    happy, angry and sad are those with which clear cases are (the least log loss on photos that were not seen)."""
    table = scale(unseen, np.array([(e.valence, e.arousal) for e in examples]), np.ones(len(examples)))
    ranked = [np.interp(unseen[:, i], table["quantiles"][i], table["ranks"]) for i in (0, 1)]
    labels = clear_cases(examples)
    rows = [i for i, label in enumerate(labels) if label >= 0]
    if len(rows) < 10:
        return {"spread": [0.5, 0.5]}

    def loss(logs: Array) -> float:
        both = (float(np.exp(logs[0])), float(np.exp(logs[1])))
        likelihoods = [probabilities(ranked[0][i], ranked[1][i], both, CLASSES)[CLASSES[labels[i]]] for i in rows]
        return float(-np.log(np.maximum(likelihoods, 1e-9)).mean())

    within = [(np.log(0.1), np.log(3.0))] * 2
    best = np.exp(minimize(loss, np.log([0.6, 0.6]), method="Nelder-Mead", bounds=within).x)
    return {"spread": [round(float(x), 3) for x in best]}


def _usual(measured: Array, targets: Array) -> dict[str, Any]:
    """What the features are like over photos, and how they go with people's ratings."""
    spread = np.maximum(measured.std(0), 1e-6)
    z = (measured - measured.mean(0)) / spread
    r = [((z * (targets[:, [i]] - targets[:, i].mean())).mean(0) / max(targets[:, i].std(), 1e-9)) for i in (0, 1)]
    rows = {"mean": measured.mean(0), "spread": spread, "valence": r[0], "arousal": r[1]}
    return {"names": list(NAMES), **{k: [round(float(x), 5) for x in v] for k, v in rows.items()}}


def _short(this: dict[str, Any]) -> dict[str, Any]:
    """What the manifest keeps of a session: the settings that matter, never a folder of somebody's machine."""
    setting_names = ("backbone", "views", "folds", "epochs", "batch", "lr", "weight_decay", "dropout", "mixup", "ema")
    settings = {k: this["recipe"][k] for k in setting_names}
    about = {k: this[k] for k in ("machine", "precision", "torch")}
    return {"seconds": round(this["seconds"]), **about, **settings}
