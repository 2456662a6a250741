"""What is asked of Shopify, word for word."""

SHOP = """
query Shop {
  shop { id name myshopifyDomain currencyCode ianaTimezone plan { displayName } }
  currentAppInstallation { accessScopes { handle } }
}
"""

LINE = """
id title sku quantity isGiftCard product { id }
originalTotalSet { shopMoney { amount } } discountedTotalSet { shopMoney { amount } }
"""

ORDER = """
id legacyResourceId name createdAt processedAt updatedAt cancelledAt test
currencyCode presentmentCurrencyCode taxesIncluded
displayFinancialStatus displayFulfillmentStatus sourceName
totalPriceSet { shopMoney { amount currencyCode } }
subtotalPriceSet { shopMoney { amount } } currentSubtotalPriceSet { shopMoney { amount } }
totalTaxSet { shopMoney { amount } } currentTotalTaxSet { shopMoney { amount } }
totalShippingPriceSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount } }
customer { id }
refunds(first: 20) { id createdAt totalRefundedSet { shopMoney { amount } } }
"""

ORDERS = f"""
query Orders($first: Int!, $after: String, $q: String!) {{
  orders(first: $first, after: $after, query: $q, sortKey: UPDATED_AT) {{
    edges {{ cursor node {{
      {ORDER}
      lineItems(first: 50) {{
        edges {{ node {{ {LINE} }} }} pageInfo {{ hasNextPage endCursor }}
      }}
    }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""

ORDERS_COUNT = """
query OrdersCount($q: String!) { ordersCount(query: $q, limit: null) { count precision } }
"""

ORDER_LINES = f"""
query OrderLines($id: ID!, $after: String) {{
  order(id: $id) {{
    id
    lineItems(first: 100, after: $after) {{
      edges {{ node {{ {LINE} }} }} pageInfo {{ hasNextPage endCursor }}
    }}
  }}
}}
"""

BULK_ORDERS = f"""
{{
  orders(query: "%s") {{
    edges {{ node {{
      {ORDER}
      lineItems {{ edges {{ node {{ {LINE} }} }} }}
    }} }}
  }}
}}
"""

BULK_FIELDS = """
id status errorCode objectCount rootObjectCount url partialDataUrl createdAt
"""

BULK_RUN = f"""
mutation BulkRun($query: String!) {{
  bulkOperationRunQuery(query: $query) {{
    bulkOperation {{ {BULK_FIELDS} }} userErrors {{ field message }}
  }}
}}
"""

BULK_POLL = f"""
query BulkPoll($id: ID!) {{ bulkOperation(id: $id) {{ {BULK_FIELDS} }} }}
"""

BULK_CANCEL = """
mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}
"""
