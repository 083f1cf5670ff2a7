"""Messages to one SNS topic."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import StoreUnavailable


class Topic:
    """At least once, in no promised order. Raises StoreUnavailable when the topic does not take a message in time."""

    def __init__(self, sns: Any, arn: str) -> None:
        self._sns, self._arn = sns, arn

    def publish(self, message: str, attributes: Mapping[str, str]) -> None:
        """`attributes`: text that subscriptions may filter by, none of it empty."""
        try:
            self._sns.publish(
                TopicArn=self._arn,
                Message=message,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"topic: {error}") from error
