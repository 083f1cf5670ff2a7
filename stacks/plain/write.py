"""An assembly -> a folder with plain templates, their assets as files, a list of both, and a script that deploys."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.clients.stacks import EDGE_REGION
from stacks.constructs.zips import write_zip
from stacks.plain.template import BUCKET, REPOSITORY, plain
from stacks.settings import Settings
from stacks.synth import templates

HERE = Path(__file__).parent
COPIED = ("deploy.sh", "README.md")
EDGE = "Edge"


def write(assembly: Path, out: Path, settings: Settings) -> dict[str, Any]:
    """Fill `out` anew; its manifest, which is also written to manifest.json."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "templates").mkdir(parents=True)
    (out / "assets").mkdir()
    stacks, files, images = [], [], []
    artifacts: dict[str, Any] = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    for number, path in enumerate(templates(assembly), 1):
        stack = path.name.split(".")[0]
        body = plain(json.loads(path.read_text(encoding="utf-8")))
        name = f"templates/{number:02}-{stack.lower()}.json"
        (out / name).write_text(json.dumps(body, separators=(",", ":")), encoding="utf-8")
        needed = [stack_ for stack_ in artifacts[stack].get("dependencies", ()) if stack_ != f"{stack}.assets"]
        stacks.append(
            {
                "template": name,
                "stack": artifacts[stack]["properties"]["stackName"],
                "region": EDGE_REGION if stack == EDGE else settings.region,
                "parameters": sorted({BUCKET, REPOSITORY} & body["Parameters"].keys()),
                "after": sorted(artifacts[one]["properties"]["stackName"] for one in needed),
                **_listed(name, out),
            }
        )
        assets = json.loads((assembly / f"{stack}.assets.json").read_text(encoding="utf-8"))
        files += list(_files(assembly, assets, out))
        images += list(_images(assembly, assets, out))
    manifest = {
        "environment": settings.environment,
        "stacks": stacks,
        "files": sorted({one["file"]: one for one in files}.values(), key=lambda one: one["file"]),
        "images": sorted(images, key=lambda one: one["folder"]),
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    _tables(manifest, out)
    for name in COPIED:
        shutil.copy(HERE / name, out / name)
    return manifest


def _files(assembly: Path, assets: dict[str, Any], out: Path) -> Iterator[dict[str, Any]]:
    """Zips of functions and of the Flink application; the templates themselves are assets of the CDK alone."""
    for file in assets["files"].values():
        (destination,) = file["destinations"].values()
        name, held = f"assets/{destination['objectKey']}", assembly / file["source"]["path"]
        if file["source"]["packaging"] == "zip":
            write_zip(held, out / name)
        elif held.suffix == ".zip":
            shutil.copyfile(held, out / name)
        else:
            continue
        yield {"file": name, "key": destination["objectKey"], "holds": file["displayName"], **_listed(name, out)}


def _images(assembly: Path, assets: dict[str, Any], out: Path) -> Iterator[dict[str, Any]]:
    for image in assets.get("dockerImages", {}).values():
        (destination,) = image["destinations"].values()
        name = f"images/{image['displayName'].split('/')[0].lower()}"
        shutil.copytree(assembly / image["source"]["directory"], out / name)
        source = image["source"]
        yield {
            "folder": name,
            "dockerfile": source["dockerFile"],
            "platform": source["platform"],
            "base": source["dockerBuildArgs"]["PYTHON_IMAGE"],
            "tag": destination["imageTag"],
        }


def _listed(name: str, out: Path) -> dict[str, Any]:
    data = (out / name).read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _tables(manifest: dict[str, Any], out: Path) -> None:
    """What the script reads: it can do without a reader of JSON."""
    columns = {"stacks": ("template", "stack", "region"), "images": ("folder", "dockerfile", "platform", "tag", "base")}
    for name, wanted in columns.items():
        lines = ["\t".join([*(row[column] for column in wanted), *row.get("parameters", ())]) for row in manifest[name]]
        (out / f"{name}.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
