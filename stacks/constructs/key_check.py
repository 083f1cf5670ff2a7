"""The key check at the edge, and a cache that keeps apart what keys with different rights may see."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

from serving_layer.auth import headers
from shared.stores.answers import UNSETTLED_S
from stacks.settings import ROOT

VIEWER_REQUEST = ROOT / "serving_layer" / "edge" / "viewer_request.js"
CACHED_BY = (headers.HOST, headers.PLAN, headers.SCOPES)
"""Beside path and query; all three are written by the function alone."""


class KeyCheck(Construct):
    """The function that runs before the cache, the store of hashes it asks, and what of a request is cached by and
    goes on to the origin."""

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        self.store = cloudfront.KeyValueStore(
            self, "Store", comment=f"{name}: SHA-256 of each API key -> plan and scopes."
        )
        self.function = cloudfront.Function(
            self,
            "ViewerRequest",
            code=cloudfront.FunctionCode.from_file(file_path=str(VIEWER_REQUEST)),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            function_name=f"{name}-viewer-request",
            comment="Lets in who has a key, before the cache.",
            key_value_store=self.store,
        )
        self.cache_policy = cloudfront.CachePolicy(
            self,
            "CachePolicy",
            cache_policy_name=f"{name}-api",  # one account may hold several environments
            comment="Answers that say for how long, by path, query as the function spells it, and rights.",
            min_ttl=Duration.seconds(0),
            default_ttl=Duration.seconds(0),  # an answer that says nothing is not kept
            max_ttl=Duration.seconds(UNSETTLED_S),  # nothing tells the edge of a correction
            header_behavior=cloudfront.CacheHeaderBehavior.allow_list(*CACHED_BY),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
            enable_accept_encoding_gzip=True,
        )
        self.origin_request_policy = cloudfront.OriginRequestPolicy(
            self,
            "OriginRequestPolicy",
            origin_request_policy_name=f"{name}-api",
            comment="What the cache goes by, the key's id and hash, and the type of a body.",
            header_behavior=cloudfront.OriginRequestHeaderBehavior.allow_list(headers.KEY, "content-type"),
            query_string_behavior=cloudfront.OriginRequestQueryStringBehavior.none(),
            cookie_behavior=cloudfront.OriginRequestCookieBehavior.none(),
        )

    @property
    def association(self) -> cloudfront.FunctionAssociation:
        return cloudfront.FunctionAssociation(
            event_type=cloudfront.FunctionEventType.VIEWER_REQUEST, function=self.function
        )
