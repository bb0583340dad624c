"""How each graph tool of Python is asked. Nodes are derivations or packages, edges run from what is needed to its user."""

import os


class Tool:
    """What a tool does not do better itself."""

    # What of the tool answers each question; what is not here is not asked.
    how = {}
    # Whether `closure` takes several roots.
    takes_many_roots = False
    # The questions that are answered on all cores.
    parallel = ()
    # The sizes of all closures, if they are found together.
    all_sizes = None

    def threads(self, question):
        return os.cpu_count() if question in self.parallel else 1

    def prepare(self, nodes, edges):
        """The edges as the tool takes them."""
        return edges

    def members(self, found):
        """The nodes of a closure, its root among them."""
        return found

    def weigh(self, weights):
        self.weights = weights.tolist()

    def sizes(self, of):
        return [len(self.members(self.closure([node]))) for node in of]

    def sums(self, of):
        return [sum(map(self.weights.__getitem__, self.members(self.closure([node])))) for node in of]

    def pairs(self, pairs):
        return [target in self.members(self.closure([cause])) for cause, target in pairs]

    def count_levels(self, order):
        """The number of nodes at each length of their longest path, from a topological order."""
        users = [[] for _ in range(self.nodes)]
        for needed, user in self.edges:
            users[needed].append(user)
        level, sizes = [0] * self.nodes, {}
        for node in order:
            own = level[node]
            sizes[own] = sizes.get(own, 0) + 1
            for user in users[node]:
                level[user] = max(level[user], own + 1)
        return [sizes[level] for level in sorted(sizes)]


class Networkx(Tool):
    how = {
        "build": "networkx `DiGraph`",
        "closure": "networkx `descendants`",
        "union": "networkx `descendants`",
        "sizes": "networkx `descendants`",
        "sums": "networkx `descendants`",
        "pairs": "networkx `has_path`",
        "levels": "networkx `topological_generations`",
        "components": "networkx `strongly_connected_components`",
    }

    def __init__(self):
        import networkx

        self.lib = networkx

    def build(self, nodes, edges):
        graph = self.lib.DiGraph()
        graph.add_nodes_from(range(nodes))
        graph.add_edges_from(edges)
        return graph

    def closure(self, roots):
        return self.lib.descendants(self.graph, roots[0]) | set(roots)

    def pairs(self, pairs):
        return [self.lib.has_path(self.graph, cause, target) for cause, target in pairs]

    def levels(self):
        return [len(level) for level in self.lib.topological_generations(self.graph)]

    def components(self):
        return [len(component) for component in self.lib.strongly_connected_components(self.graph)]


class Rustworkx(Tool):
    how = {
        "build": "rustworkx `PyDiGraph`",
        "closure": "rustworkx `descendants`",
        "union": "rustworkx `descendants`",
        "sizes": "rustworkx `descendants`",
        "sums": "rustworkx `descendants`",
        "pairs": "rustworkx `has_path`",
        "levels": "rustworkx `topological_generations`",
        "components": "rustworkx `strongly_connected_components`",
    }

    def __init__(self):
        import rustworkx

        self.lib = rustworkx

    def build(self, nodes, edges):
        graph = self.lib.PyDiGraph(multigraph=True)
        graph.add_nodes_from(range(nodes))
        graph.extend_from_edge_list(edges)
        return graph

    def closure(self, roots):
        found = self.lib.descendants(self.graph, roots[0])
        found.update(roots)
        return found

    def pairs(self, pairs):
        # To itself, it has none.
        return [cause == target or self.lib.has_path(self.graph, cause, target) for cause, target in pairs]

    def levels(self):
        return [len(level) for level in self.lib.topological_generations(self.graph)]

    def components(self):
        return [len(component) for component in self.lib.strongly_connected_components(self.graph)]


class WithNumpy(Tool):
    """Tools whose closures are arrays."""

    def __init__(self):
        import numpy

        self.numpy = numpy

    def prepare(self, nodes, edges):
        return self.numpy.array(edges, dtype=self.numpy.int64).T.copy()

    def weigh(self, weights):
        self.weights = self.numpy.array(weights, dtype=self.numpy.uint64)

    def sums(self, of):
        return [int(self.weights[self.members(self.closure([node]))].sum()) for node in of]


class Igraph(WithNumpy):
    how = {
        "build": "igraph `Graph`",
        "closure": "igraph `subcomponent`",
        "union": "igraph `subcomponent`",
        "sizes": "igraph `neighborhood_size`",
        "sums": "igraph `subcomponent`",
        "pairs": "igraph `subcomponent`",
        "levels": "igraph `topological_sorting`, and a pass in Python",
        "components": "igraph `connected_components`",
    }

    def __init__(self):
        import igraph

        super().__init__()
        self.lib = igraph

    def prepare(self, nodes, edges):
        return edges

    def build(self, nodes, edges):
        return self.lib.Graph(n=nodes, edges=edges, directed=True)

    def closure(self, roots):
        return self.graph.subcomponent(roots[0], mode="out")

    def sizes(self, of):
        return self.graph.neighborhood_size(vertices=of, order=self.nodes, mode="out")

    def levels(self):
        return self.count_levels(self.graph.topological_sorting())

    def components(self):
        return self.graph.connected_components(mode="strong").sizes()


class Networkit(WithNumpy):
    how = {
        "build": "networkit `GraphFromCoo`",
        "closure": "networkit `BFS`",
        "union": "networkit `BFS`",
        "sizes": "networkit `ReachableNodes`",
        "sums": "networkit `BFS`",
        "pairs": "networkit `BFS` with a target",
        "levels": "networkit `topologicalSort`, and a pass in Python",
        "components": "networkit `StronglyConnectedComponents`",
    }
    parallel = ("sizes",)

    def __init__(self):
        import networkit

        super().__init__()
        self.lib = networkit

    def build(self, nodes, edges):
        coo = (self.numpy.ones(len(edges[0])), (edges[0], edges[1]))
        return self.lib.GraphFromCoo(coo, n=nodes, directed=True, weighted=False)

    def closure(self, roots):
        search = self.lib.distance.BFS(self.graph, roots[0], False)
        search.run()
        return self.numpy.asarray(search.getDistances())

    def members(self, found):
        return self.numpy.flatnonzero(found < self.nodes)

    def pairs(self, pairs):
        return [self.distance(cause, target) < self.nodes for cause, target in pairs]

    def all_sizes(self):
        search = self.lib.reachability.ReachableNodes(self.graph, True)
        search.run()
        return [search.numberOfReachableNodes(node) for node in range(self.nodes)]

    def distance(self, cause, target):
        search = self.lib.distance.BFS(self.graph, cause, False, False, target)
        search.run()
        return search.distance(target)

    def levels(self):
        return self.count_levels(self.lib.graphtools.topologicalSort(self.graph))

    def components(self):
        search = self.lib.components.StronglyConnectedComponents(self.graph)
        search.run()
        return search.getComponentSizes().values()


class Scipy(WithNumpy):
    how = {
        "build": "scipy `csr_array`",
        "closure": "scipy `breadth_first_order`",
        "union": "scipy `breadth_first_order`",
        "sizes": "scipy `breadth_first_order`",
        "sums": "scipy `breadth_first_order`",
        "pairs": "scipy `breadth_first_order`",
        "components": "scipy `connected_components`",
    }

    def __init__(self):
        import scipy.sparse.csgraph

        super().__init__()
        self.lib = scipy.sparse

    def build(self, nodes, edges):
        # What its algorithms would convert any other type to, at each call.
        ones = self.numpy.ones(len(edges[0]), dtype=self.numpy.float64)
        return self.lib.csr_array((ones, (edges[0], edges[1])), shape=(nodes, nodes))

    def closure(self, roots):
        return self.lib.csgraph.breadth_first_order(self.graph, roots[0], directed=True, return_predecessors=False)

    def components(self):
        _, labels = self.lib.csgraph.connected_components(self.graph, directed=True, connection="strong")
        return self.numpy.bincount(labels)


class Graphblas(WithNumpy):
    how = {
        "build": "SuiteSparse:GraphBLAS `Matrix`",
        "closure": "SuiteSparse:GraphBLAS `vxm`",
        "union": "SuiteSparse:GraphBLAS `vxm`",
        "sizes": "SuiteSparse:GraphBLAS `mxm`, 64 searches at once",
        "sums": "SuiteSparse:GraphBLAS `mxm`, 64 searches at once",
        "pairs": "SuiteSparse:GraphBLAS `mxm`, 64 searches at once",
        "levels": "SuiteSparse:GraphBLAS `vxm`, level by level",
    }
    takes_many_roots = True
    parallel = tuple(how)
    # Searches that are one product of matrices: more share more, until what they reached is too large.
    BLOCK = 64

    def __init__(self):
        import graphblas

        super().__init__()
        graphblas.init("suitesparse", blocking=True)
        self.lib = graphblas

    def build(self, nodes, edges):
        return self.lib.Matrix.from_coo(*edges, True, nrows=nodes, ncols=nodes, dtype=bool)

    def closure(self, roots):
        reached = self.lib.Vector.from_coo(roots, True, size=self.nodes, dtype=bool)
        frontier = reached.dup()
        while frontier.nvals:
            frontier(~reached.S, replace=True) << frontier.vxm(self.graph, self.lib.semiring.any_pair)
            reached(frontier.S) << True
        return reached

    def members(self, found):
        return found.to_coo(values=False)[0]

    def reached(self, of):
        """A row for each search: what it reaches."""
        rows = self.numpy.arange(len(of))
        reached = self.lib.Matrix.from_coo(rows, of, True, nrows=len(of), ncols=self.nodes, dtype=bool)
        frontier = reached.dup()
        while frontier.nvals:
            frontier(~reached.S, replace=True) << frontier.mxm(self.graph, self.lib.semiring.any_pair)
            reached(frontier.S) << True
        return reached

    def blocks(self, of):
        of = list(of)
        return (of[at : at + self.BLOCK] for at in range(0, len(of), self.BLOCK))

    def sizes(self, of):
        count = self.lib.agg.count
        return [int(size) for block in self.blocks(of) for size in self.reached(block).reduce_rowwise(count).new().to_coo()[1]]

    def sums(self, of):
        weights = self.lib.Vector.from_dense(self.weights)
        add = self.lib.semiring.plus_second
        return [int(total) for block in self.blocks(of) for total in self.reached(block).mxv(weights, add).new().to_coo()[1]]

    def pairs(self, pairs):
        answers = []
        for block in self.blocks(pairs):
            reached = self.reached([cause for cause, _ in block])
            answers += [reached.get(at, target) is not None for at, (_, target) in enumerate(block)]
        return answers

    def levels(self):
        # What is needed and not yet in a level, of each node; those with nothing of it are the next level.
        missing = self.graph.reduce_columnwise(self.lib.agg.count).new(dtype=int)
        level = self.lib.Vector(int, self.nodes)
        level(~missing.S) << 1
        sizes = []
        while level.nvals:
            sizes.append(level.nvals)
            done = level.vxm(self.graph, self.lib.semiring.plus_pair[int]).new()
            missing(done.S) << missing.ewise_mult(done, self.lib.binary.minus)
            candidates = self.lib.Vector(int, self.nodes)
            candidates(done.S) << missing
            level = candidates.select("==", 0).new()
        return sizes


class GraphTool(WithNumpy):
    how = {
        "build": "graph-tool `Graph`",
        "closure": "graph-tool `label_out_component`",
        "union": "graph-tool `label_out_component`",
        "sizes": "graph-tool `label_out_component`",
        "sums": "graph-tool `label_out_component`",
        "pairs": "graph-tool `label_out_component`",
        "levels": "graph-tool `topological_sort`, and a pass in Python",
        "components": "graph-tool `label_components`",
    }

    def __init__(self):
        import graph_tool.topology

        super().__init__()
        self.lib = graph_tool

    def build(self, nodes, edges):
        graph = self.lib.Graph(directed=True)
        graph.add_vertex(nodes)
        graph.add_edge_list(edges.T)
        return graph

    def closure(self, roots):
        return self.lib.topology.label_out_component(self.graph, roots[0]).a

    def members(self, found):
        return self.numpy.flatnonzero(found)

    def pairs(self, pairs):
        return [bool(self.closure([cause])[target]) for cause, target in pairs]

    def levels(self):
        return self.count_levels(self.lib.topology.topological_sort(self.graph).tolist())

    def components(self):
        _, sizes = self.lib.topology.label_components(self.graph, directed=True)
        return sizes


CLOSURE = "with recursive reached(node) as ({} union select edges.user from edges, reached where edges.needed = reached.node) "


class Database(Tool):
    """Databases: a recursive query."""

    takes_many_roots = True

    def closure(self, roots):
        self.run("delete from roots")
        self.fill("roots", [(root,) for root in roots])
        return self.run(CLOSURE.format("select node from roots") + "select node from reached")

    def members(self, found):
        return [node for (node,) in found]

    def sizes(self, of):
        return [self.run(CLOSURE.format(f"select {node}") + "select count(*) from reached")[0][0] for node in of]

    def weigh(self, weights):
        self.run("create table weights(node integer primary key, seconds integer)")
        self.fill("weights", list(enumerate(weights)))

    def sums(self, of):
        query = "select sum(seconds) from reached, weights where reached.node = weights.node"
        return [self.run(CLOSURE.format(f"select {node}") + query)[0][0] for node in of]

    def pairs(self, pairs):
        query = "select count(*) from reached where node = {}"
        return [self.run(CLOSURE.format(f"select {cause}") + query.format(target))[0][0] for cause, target in pairs]


class Sqlite(Database):
    how = dict.fromkeys(("build", "closure", "union", "sizes", "sums", "pairs"), "SQLite, a recursive query")

    def build(self, nodes, edges):
        import sqlite3

        self.connection = sqlite3.connect(":memory:")
        # Sorted by what is needed: the table is its own index.
        self.run("create table edges(needed integer, user integer, primary key (needed, user)) without rowid")
        self.run("create table roots(node integer)")
        self.fill("edges", edges)

    def run(self, query):
        return self.connection.execute(query).fetchall()

    def fill(self, table, rows):
        holes = ", ".join("?" * len(rows[0]))
        self.connection.executemany(f"insert into {table} values ({holes})", rows)


class Duckdb(Database):
    how = dict.fromkeys(("build", "closure", "union", "sizes", "sums", "pairs"), "DuckDB, a recursive query")
    parallel = tuple(how)

    def prepare(self, nodes, edges):
        import numpy
        import pandas

        return pandas.DataFrame(numpy.array(edges, dtype=numpy.int64), columns=["needed", "user"])

    def build(self, nodes, edges):
        import duckdb

        self.connection = duckdb.connect()
        self.connection.register("given", edges)
        self.run('create table edges as select needed, "user" from given')
        self.run("create table roots(node bigint)")

    def run(self, query):
        return self.connection.execute(query.replace(".user", '."user"')).fetchall()

    def fill(self, table, rows):
        import pandas

        self.connection.register("rows", pandas.DataFrame(rows))
        self.run(f"insert into {table} select * from rows")


TOOLS = {
    "networkx": Networkx,
    "rustworkx": Rustworkx,
    "igraph": Igraph,
    "networkit": Networkit,
    "scipy": Scipy,
    "graphblas": Graphblas,
    "graph-tool": GraphTool,
    "sqlite": Sqlite,
    "duckdb": Duckdb,
}
