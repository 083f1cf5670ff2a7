"""A synthesised template without the CDK's own bucket and registry: two parameters stand in their places."""

from __future__ import annotations

from typing import Any

BUCKET, REPOSITORY = "AssetBucket", "ImageRepository"
_CDK_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
_CDK_REPOSITORY = "cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}"
PARAMETERS = {
    BUCKET: {"Type": "String", "Description": "Bucket in this region that holds the files of assets/."},
    REPOSITORY: {"Type": "String", "Description": "Name of the ECR repository in this region that holds the images."},
}


def plain(template: dict[str, Any]) -> dict[str, Any]:
    """The same resources; a parameter is there only where the template needs it."""
    body: dict[str, Any] = _replaced(template)
    used = _references(body)
    given = {name: parameter for name, parameter in PARAMETERS.items() if name in used}
    return {**body, "Parameters": {**body.get("Parameters", {}), **given}}


def _replaced(value: Any) -> Any:
    match value:
        case {"Fn::Sub": str(text)} if text == _CDK_BUCKET:
            return {"Ref": BUCKET}
        case {"Fn::Sub": str(text)} if text == _CDK_REPOSITORY:
            return {"Ref": REPOSITORY}
        case {"Fn::Sub": str(text)}:
            return {
                "Fn::Sub": text.replace(_CDK_REPOSITORY, f"${{{REPOSITORY}}}").replace(_CDK_BUCKET, f"${{{BUCKET}}}")
            }
        case dict():
            return {key: _replaced(held) for key, held in value.items()}
        case list():
            return [_replaced(held) for held in value]
        case _:
            return value


def _references(value: Any) -> set[str]:
    """Names of the parameters above that something refers to."""
    match value:
        case {"Ref": str(name)}:
            return {name} & PARAMETERS.keys()
        case {"Fn::Sub": str(text)}:
            return {name for name in PARAMETERS if f"${{{name}}}" in text}
        case dict():
            return set().union(*map(_references, value.values()))
        case list():
            return set().union(*map(_references, value))
        case _:
            return set()
