locals {
  manifest = jsondecode(file("${var.templates}/manifest.json"))
  given    = { AssetBucket = var.asset_bucket, ImageRepository = var.image_repository }

  stacks = {
    for stack in local.manifest.stacks :
    trimprefix(stack.stack, "condvest-${local.manifest.environment}-") => merge(stack, {
      body       = file("${var.templates}/${stack.template}")
      parameters = { for name in stack.parameters : name => local.given[name] }
    })
  }
}

resource "aws_s3_object" "asset" {
  for_each = { for asset in local.manifest.files : asset.key => asset }

  bucket      = var.asset_bucket
  key         = each.key
  source      = "${var.templates}/${each.value.file}"
  source_hash = each.value.sha256
}

resource "aws_cloudformation_stack" "storage" {
  name          = local.stacks["storage"].stack
  template_body = local.stacks["storage"].body
  parameters    = local.stacks["storage"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]
}

resource "aws_cloudformation_stack" "network" {
  name          = local.stacks["network"].stack
  template_body = local.stacks["network"].body
  parameters    = local.stacks["network"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_cloudformation_stack.storage,
  ]
}

resource "aws_cloudformation_stack" "database" {
  name          = local.stacks["database"].stack
  template_body = local.stacks["database"].body
  parameters    = local.stacks["database"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_cloudformation_stack.network,
  ]
}

resource "aws_cloudformation_stack" "speed" {
  name          = local.stacks["speed"].stack
  template_body = local.stacks["speed"].body
  parameters    = local.stacks["speed"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.network,
  ]
}

resource "aws_cloudformation_stack" "clock" {
  count = contains(keys(local.stacks), "clock") ? 1 : 0

  name          = local.stacks["clock"].stack
  template_body = local.stacks["clock"].body
  parameters    = local.stacks["clock"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.speed,
    aws_cloudformation_stack.flink,
  ]
}

resource "aws_cloudformation_stack" "flink" {
  count = contains(keys(local.stacks), "flink") ? 1 : 0

  name          = local.stacks["flink"].stack
  template_body = local.stacks["flink"].body
  parameters    = local.stacks["flink"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.speed,
  ]
}

resource "aws_cloudformation_stack" "serving" {
  name          = local.stacks["serving"].stack
  template_body = local.stacks["serving"].body
  parameters    = local.stacks["serving"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.database,
    aws_cloudformation_stack.speed,
  ]
}

resource "aws_cloudformation_stack" "batch" {
  name          = local.stacks["batch"].stack
  template_body = local.stacks["batch"].body
  parameters    = local.stacks["batch"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.serving,
  ]
}

resource "aws_cloudformation_stack" "push" {
  count = contains(keys(local.stacks), "push") ? 1 : 0

  name          = local.stacks["push"].stack
  template_body = local.stacks["push"].body
  parameters    = local.stacks["push"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.speed,
  ]
}

resource "aws_cloudformation_stack" "monitoring" {
  name          = local.stacks["monitoring"].stack
  template_body = local.stacks["monitoring"].body
  parameters    = local.stacks["monitoring"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_s3_object.asset,
    aws_cloudformation_stack.batch,
    aws_cloudformation_stack.clock,
    aws_cloudformation_stack.push,
  ]
}

resource "aws_cloudformation_stack" "edge" {
  provider = aws.us_east_1

  name          = local.stacks["edge"].stack
  template_body = local.stacks["edge"].body
  parameters    = local.stacks["edge"].parameters
  capabilities  = ["CAPABILITY_NAMED_IAM"]

  depends_on = [
    aws_cloudformation_stack.serving,
    aws_cloudformation_stack.push,
  ]
}
