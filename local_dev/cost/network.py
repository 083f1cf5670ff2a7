"""VPC: what stands there by the hour, and the log of refused packets."""

from local_dev.cost.assembly import Resource
from local_dev.cost.line import HOURS, Lines, Month

SERVICE = "VPC"
REFUSED_GB = 0.3
"""A month of packets that two public addresses refuse."""


def nat_gateway(resource: Resource, month: Month) -> Lines:
    """Without the data that would go through it."""
    yield month.line(resource, SERVICE, "NAT gateway", HOURS, "nat_hour")


def address(resource: Resource, month: Month) -> Lines:
    """In use or not, it costs the same."""
    yield month.line(resource, SERVICE, "elastic address", HOURS, "public_ipv4_hour")


def endpoint(resource: Resource, month: Month) -> Lines:
    """Gateway endpoints are free; an interface endpoint is paid for in each zone."""
    if resource.properties.get("VpcEndpointType", "Gateway") != "Gateway":
        zones = len(resource.properties.get("SubnetIds", [])) or 1
        yield month.line(resource, SERVICE, "interface endpoint", zones * HOURS, "endpoint_hour")


def flow_log(resource: Resource, month: Month) -> Lines:
    price = "log_to_s3" if resource.properties.get("LogDestinationType") == "s3" else "log_in"
    yield month.line(resource, "CloudWatch", "refused packets", REFUSED_GB, price)


PRICED = {
    "AWS::EC2::NatGateway": nat_gateway,
    "AWS::EC2::EIP": address,
    "AWS::EC2::VPCEndpoint": endpoint,
    "AWS::EC2::FlowLog": flow_log,
}
