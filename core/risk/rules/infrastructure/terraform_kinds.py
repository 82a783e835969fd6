"""Which Terraform resources hold data, which serve traffic, and what cannot be changed in place.

From the documentation of the providers; a type that is not listed is neither.
"""

from __future__ import annotations

import re

# Resources whose destruction loses data, by the beginning of their type.
_STATEFUL_WORDS = (
    "aws_db_instance aws_db_cluster aws_rds_cluster aws_rds_global_cluster aws_dynamodb_table aws_s3_bucket "
    "aws_ebs_volume aws_efs_file_system aws_fsx_ aws_elasticache_cluster aws_elasticache_replication_group "
    "aws_elasticache_serverless_cache aws_memorydb_cluster aws_redshift_cluster aws_docdb_cluster "
    "aws_neptune_cluster aws_opensearch_domain aws_elasticsearch_domain aws_kinesis_stream aws_sqs_queue "
    "aws_msk_cluster aws_mq_broker aws_ecr_repository aws_kms_key aws_secretsmanager_secret "
    "aws_cognito_user_pool aws_timestreamwrite_ aws_keyspaces_ aws_backup_vault aws_route53_zone "
    "google_sql_database google_bigquery_dataset google_bigquery_table google_storage_bucket google_spanner_ "
    "google_bigtable_ google_firestore_database google_redis_ google_filestore_ google_compute_disk "
    "google_pubsub_topic google_pubsub_subscription google_alloydb_ google_kms_key_ring "
    "google_kms_crypto_key "
    "google_dns_managed_zone google_project google_secret_manager_secret "
    "azurerm_mssql_ azurerm_sql_database azurerm_postgresql_ azurerm_mysql_ azurerm_mariadb_ "
    "azurerm_cosmosdb_ "
    "azurerm_storage_account azurerm_storage_container azurerm_storage_share azurerm_managed_disk "
    "azurerm_redis_ azurerm_key_vault azurerm_eventhub azurerm_servicebus_ azurerm_kusto_ "
    "azurerm_resource_group azurerm_dns_zone "
    "kubernetes_persistent_volume kubernetes_namespace digitalocean_database_ digitalocean_volume "
    "mongodbatlas_cluster mongodbatlas_advanced_cluster confluent_kafka_topic kafka_topic "
    "postgresql_database "
    "mysql_database vault_mount"
)
_STATEFUL = tuple(_STATEFUL_WORDS.split())
# Begin like one of them and hold nothing.
_SETTINGS = re.compile(
    r"aws_s3_bucket_(?!v\d)\w+|aws_db_instance_(?!\w*automated_backups_replication)\w+_association"
    r"|aws_\w+_(?:policy|parameter_group|subnet_group|attachment|notification|alias|redrive_policy|rotation)"
    r"|google_\w+_iam_\w+|google_project_(?:iam_|service|metadata|organization_policy|usage_export)\w*"
    r"|google_bigtable_app_profile|google_storage_bucket_(?:acl|access_control|object)|google_sql_user"
    r"|azurerm_\w+_(?:firewall_rule|policy|rule|configuration|network_rules|virtual_network_rule"
    r"|access_policy"
    r"|diagnostic_setting|authorization_rule|association)"
)
# Resources on which requests depend.
_SERVING_WORDS = (
    "aws_lb aws_alb aws_elb aws_instance aws_autoscaling_group aws_ecs_service aws_ecs_cluster "
    "aws_eks_cluster "
    "aws_eks_node_group aws_lambda_function aws_route53_record aws_vpc aws_subnet aws_nat_gateway aws_eip "
    "aws_cloudfront_distribution aws_api_gateway_rest_api aws_apigatewayv2_api aws_security_group "
    "aws_route_table aws_internet_gateway aws_acm_certificate aws_vpn_connection aws_dx_connection "
    "aws_vpc_peering_connection aws_wafv2_web_acl aws_globalaccelerator_accelerator "
    "google_compute_instance google_container_cluster google_container_node_pool google_cloud_run_service "
    "google_cloud_run_v2_service google_compute_network google_compute_subnetwork google_compute_router "
    "google_compute_forwarding_rule google_compute_global_forwarding_rule google_compute_backend_service "
    "google_compute_address google_compute_global_address google_dns_record_set "
    "google_cloudfunctions_function "
    "azurerm_kubernetes_cluster azurerm_kubernetes_cluster_node_pool azurerm_lb azurerm_application_gateway "
    "azurerm_virtual_network azurerm_subnet azurerm_public_ip azurerm_linux_virtual_machine "
    "azurerm_windows_virtual_machine azurerm_virtual_machine azurerm_linux_web_app azurerm_windows_web_app "
    "azurerm_app_service azurerm_function_app azurerm_linux_function_app azurerm_dns_a_record "
    "azurerm_dns_cname_record azurerm_frontdoor azurerm_firewall cloudflare_record cloudflare_zone "
    "kubernetes_deployment kubernetes_service kubernetes_ingress helm_release"
)
_SERVING = frozenset(_SERVING_WORDS.split())
# Attributes that the provider cannot change in place ("ForceNew"), of kinds that hold data.
_FORCES_NEW = {
    "aws_db_instance": "db_name username engine storage_encrypted kms_key_id availability_zone "
    "character_set_name",
    "aws_rds_cluster": "cluster_identifier database_name master_username engine storage_encrypted kms_key_id",
    "aws_s3_bucket": "bucket bucket_prefix",
    "aws_dynamodb_table": "name hash_key range_key",
    "aws_ebs_volume": "availability_zone encrypted kms_key_id snapshot_id",
    "aws_efs_file_system": "creation_token encrypted kms_key_id performance_mode availability_zone_name",
    "aws_elasticache_replication_group": "replication_group_id subnet_group_name port "
    "at_rest_encryption_enabled",
    "aws_elasticache_cluster": "cluster_id engine port subnet_group_name",
    "aws_sqs_queue": "name name_prefix fifo_queue",
    "aws_kinesis_stream": "name",
    "aws_redshift_cluster": "cluster_identifier database_name master_username",
    "aws_docdb_cluster": "cluster_identifier master_username storage_encrypted kms_key_id",
    "aws_opensearch_domain": "domain_name",
    "aws_ecr_repository": "name",
    "aws_cognito_user_pool": "username_attributes alias_attributes",
    "google_sql_database_instance": "name region",
    "google_sql_database": "name instance",
    "google_storage_bucket": "name location project",
    "google_bigquery_dataset": "dataset_id location project",
    "google_bigquery_table": "table_id dataset_id",
    "google_spanner_instance": "name config",
    "google_pubsub_topic": "name",
    "google_compute_disk": "name zone snapshot image",
    "google_redis_instance": "name region tier connect_mode",
    "azurerm_storage_account": "name location resource_group_name account_kind is_hns_enabled",
    "azurerm_postgresql_flexible_server": "name location resource_group_name administrator_login",
    "azurerm_mssql_server": "name location resource_group_name administrator_login",
    "azurerm_mssql_database": "name server_id collation",
    "azurerm_cosmosdb_account": "name location resource_group_name kind",
    "azurerm_managed_disk": "name location resource_group_name create_option",
    "azurerm_key_vault": "name location resource_group_name",
    "kubernetes_persistent_volume_claim": "storage_class_name access_modes",
    "kubernetes_namespace": "name",
}
_FORCES = {kind: frozenset(names.split()) for kind, names in _FORCES_NEW.items()}


def holds_data(kind: str) -> bool:
    """Whether destroying a resource of this type loses data."""
    return kind.startswith(_STATEFUL) and _SETTINGS.fullmatch(kind[:200]) is None


def serves(kind: str) -> bool:
    """Whether requests fail while a resource of this type is away."""
    return kind in _SERVING


def forces_new(kind: str) -> frozenset[str]:
    """The attributes whose change makes a resource of this type anew."""
    return _FORCES.get(kind, frozenset())
