# SPDX-License-Identifier: Apache-2.0
# The rules of the policy benchmark as Rego. main.go loads the data they read:
#   keys[key]          product and groups of the key
#   owners[product]    owner of the product
#   customer           the customer
#   pools[model]       pools that serve the model, already in the order of answer
#   providers, regions what occurs among the pools
#   exclusive, residency, license [product]
#                      the clauses of each kind that cover the product
# The rules are written for speed: one rule with local variables, and clauses
# looked at once per query, not once per pool.
package offtake

decision := names if {
	key := data.keys[input.key]
	product := key.product
	at := input.at
	model := input.model
	licensed(product, model, at)

	# Providers that exclusive clauses in force name, and the others.
	named := {clause.provider |
		some clause in data.exclusive[product]
		clause.from <= at
		at < clause.until
		not excepted(clause.except_groups, key.groups)
	}
	other := {provider |
		some name in named
		some provider in data.providers
		provider != name
	}

	# Sets of regions that residency clauses in force allow, and the regions
	# outside one of them.
	allowed := {clause.regions |
		some clause in data.residency[product]
		clause.from <= at
		at < clause.until
	}
	outside := {region |
		some regions in allowed
		some region in data.regions
		not regions[region]
	}

	names := [pool.name |
		some pool in data.pools[model]
		not other[pool.provider]
		not outside[pool.region]
	]
} else := []

excepted(except_groups, groups) if {
	some group in groups
	except_groups[group]
}

licensed(product, _, _) if data.owners[product] == data.customer

licensed(product, model, at) if {
	some clause in data.license[product]
	clause.from <= at
	at < clause.until
	clause.licensee == data.owners[product]
	covers_model(clause.models, model)
}

covers_model(models, _) if models["*"]

covers_model(models, model) if models[model]
