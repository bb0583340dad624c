# The edges of a dump of derivations, counted: derivations, inputs, and inputs that rebuild.
[.[] | {inputs: .inputDrvs | length, is_fixed: .outputs | any(.[]; has("hash"))}]
| [length, (map(.inputs) | add), (map(select(.is_fixed | not).inputs) | add)]
