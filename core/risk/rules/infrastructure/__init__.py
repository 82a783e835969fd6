"""What everything runs on: Terraform, Kubernetes, Helm."""
