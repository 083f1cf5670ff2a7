variable "templates" {
  description = "The folder that make templates has written."
  type        = string
}

variable "asset_bucket" {
  description = "Bucket in the region of the stacks for the functions' code."
  type        = string
}

variable "image_repository" {
  description = "ECR repository in that region that holds the images of the manifest, under their tags."
  type        = string
}
