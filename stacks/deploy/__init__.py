"""From this source tree to an AWS account."""
