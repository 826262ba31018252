{#-
    What kind of service a product of AWS is, in FOCUS's words: its ServiceCategory, or with
    `of='subcategory'` its ServiceSubcategory. A product that is not listed is `Other`.
-#}
{% macro focus_service(product, of='category') -%}
    {%- set services = {
        ('AI and Machine Learning', 'Machine Learning'): ['AmazonSageMaker', 'AmazonPersonalize', 'AmazonForecast'],
        ('AI and Machine Learning', 'Generative AI'): ['AmazonBedrock', 'AmazonQ'],
        ('AI and Machine Learning', 'Natural Language Processing'): [
            'comprehend', 'translate', 'AmazonPolly', 'transcribe'
        ],
        ('Analytics', 'Data Processing'): ['ElasticMapReduce', 'AWSGlue', 'AmazonEMRServerless'],
        ('Analytics', 'Streaming Analytics'): ['AmazonKinesis', 'AmazonKinesisAnalytics', 'AmazonMSK', 'AmazonKinesisFirehose'],
        ('Analytics', 'Search'): ['AmazonES', 'AmazonCloudSearch'],
        ('Analytics', 'Analytics Platforms'): ['AmazonAthena', 'AWSLakeFormation'],
        ('Analytics', 'Business Intelligence'): ['AmazonQuickSight'],
        ('Compute', 'Virtual Machines'): ['AmazonEC2', 'AmazonLightsail'],
        ('Compute', 'Containers'): ['AmazonEKS', 'AmazonECS', 'AmazonECR', 'AmazonECRPublic'],
        ('Compute', 'Serverless Compute'): ['AWSLambda', 'AWSBatch'],
        ('Compute', 'End User Computing'): ['AmazonWorkSpaces', 'AmazonAppStream'],
        ('Databases', 'Relational Databases'): ['AmazonRDS', 'AmazonAurora'],
        ('Databases', 'NoSQL Databases'): ['AmazonDynamoDB', 'AmazonDocDB', 'AmazonMCS', 'AmazonNeptune'],
        ('Databases', 'Caching'): ['AmazonElastiCache', 'AmazonMemoryDB', 'AmazonDAX'],
        ('Databases', 'Data Warehouses'): ['AmazonRedshift'],
        ('Databases', 'Time Series Databases'): ['AmazonTimestream'],
        ('Developer Tools', 'Continuous Integration and Deployment'): ['CodeBuild', 'AWSCodePipeline', 'AWSCodeDeploy'],
        ('Developer Tools', 'Source Code Management'): ['AWSCodeCommit', 'AWSCodeArtifact'],
        ('Identity', 'Identity and Access Management'): ['AmazonCognito', 'AWSDirectoryService', 'AWSIAMAccessAnalyzer'],
        ('Integration', 'API Management'): ['AmazonApiGateway', 'AWSAppSync'],
        ('Integration', 'Messaging'): ['AWSQueueService', 'AmazonSNS', 'AmazonMQ', 'AmazonSES', 'AWSEvents'],
        ('Integration', 'Workflow Orchestration'): ['AmazonStates', 'AmazonMWAA', 'AmazonSWF'],
        ('Internet of Things', 'IoT Platforms'): ['AWSIoT'],
        ('Management and Governance', 'Observability'): ['AmazonCloudWatch', 'AWSXRay', 'AmazonGrafana', 'AmazonPrometheus'],
        ('Management and Governance', 'Compliance'): ['AWSCloudTrail', 'AWSConfig', 'AWSSystemsManager'],
        ('Management and Governance', 'Cost Management'): ['AWSCostExplorer', 'AWSBudgets', 'ComputeSavingsPlans'],
        ('Management and Governance', 'Support'): [
            'AWSSupportBasic', 'AWSSupportDeveloper', 'AWSSupportBusiness', 'AWSSupportEnterprise',
            'AWSDeveloperSupport', 'OCBPremiumSupport', 'OCBBusinessSupport'
        ],
        ('Media', 'Media Streaming'): ['AmazonIVS', 'AWSElementalMediaLive', 'AWSElementalMediaConvert'],
        ('Migration', 'Data Migration'): ['AWSDatabaseMigrationSvc', 'AWSDataTransferTerminal', 'AWSDataSync'],
        ('Networking', 'Network Connectivity'): ['AmazonVPC', 'AWSDirectConnect', 'AWSTransitGateway', 'AWSDataTransfer'],
        ('Networking', 'Network Routing'): ['AWSELB', 'AmazonRoute53', 'AWSGlobalAccelerator'],
        ('Networking', 'Content Delivery'): ['AmazonCloudFront'],
        ('Networking', 'Network Security'): ['AWSNetworkFirewall', 'awswaf', 'AWSShield'],
        ('Security', 'Secret Management'): ['awskms', 'AWSSecretsManager', 'CloudHSM', 'AWSCertificateManager'],
        ('Security', 'Threat Detection and Response'): ['AmazonGuardDuty', 'AmazonInspector', 'AmazonInspectorV2', 'AmazonDetective', 'AmazonMacie'],
        ('Security', 'Security Posture Management'): ['AWSSecurityHub'],
        ('Storage', 'Object Storage'): ['AmazonS3', 'AmazonS3GlacierDeepArchive', 'AmazonGlacier'],
        ('Storage', 'File Storage'): ['AmazonEFS', 'AmazonFSx'],
        ('Storage', 'Backup Storage'): ['AWSBackup'],
        ('Storage', 'Storage Platforms'): ['AWSStorageGateway', 'AWSTransfer'],
    } -%}
    case
        {%- for service, products in services.items() %}
        when {{ product }} in ('{{ products | join("', '") }}')
            then '{{ service[0] if of == 'category' else service[1] }}'
        {%- endfor %}
        else '{{ 'Other' if of == 'category' else 'Other (Other)' }}'
    end
{%- endmacro %}
