output "url" {
  description = "API and dashboard."
  value       = aws_cloudformation_stack.edge.outputs["Url"]
}

output "page_bucket" {
  description = "Bucket for the dashboard's files."
  value       = aws_cloudformation_stack.edge.outputs["PageBucketName"]
}

output "alarm_topic" {
  description = "Topic to subscribe to for alarms."
  value       = aws_cloudformation_stack.monitoring.outputs["AlarmTopicArn"]
}
