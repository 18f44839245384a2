//! A heap of bounds: which is the least, in steps that grow with the logarithm of their number.

/// A bound for each member. Members are told by small numbers, and a bound is only ever raised.
#[derive(Debug, Default)]
pub(super) struct Heap {
    /// None is less than its parent, which is the one at `(index - 1) / CHILDREN`.
    nodes: Vec<Node>,
    /// Where each member is in `nodes`.
    places: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    bound: u64,
    member: usize,
}

/// Four stand together in a cache line.
const CHILDREN: usize = 4;

impl Heap {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The least bound, and a member that has it.
    pub(super) fn least(&self) -> Option<(u64, usize)> {
        self.nodes.first().map(|node| (node.bound, node.member))
    }

    pub(super) fn insert(&mut self, member: usize, bound: u64) {
        if self.places.len() <= member {
            self.places.resize(member + 1, 0);
        }
        let index = self.nodes.len();
        self.nodes.push(Node { bound, member });
        self.rise(index);
    }

    /// Raises the least bound.
    pub(super) fn raise_least(&mut self, bound: u64) {
        self.nodes[0].bound = bound;
        self.sink(0);
    }

    /// Takes off the member with the least bound that [`least`](Self::least) names.
    pub(super) fn remove_least(&mut self) {
        self.nodes.swap_remove(0);
        if !self.nodes.is_empty() {
            self.sink(0);
        }
    }

    /// The least bound but for the first one, and a member that has it.
    pub(super) fn second(&self) -> Option<(u64, usize)> {
        let others = self.nodes.iter().skip(1).take(CHILDREN);
        let second = others.min_by_key(|node| node.bound)?;
        Some((second.bound, second.member))
    }

    /// Raises a member's bound.
    pub(super) fn raise(&mut self, member: usize, bound: u64) {
        let index = self.places[member];
        self.nodes[index].bound = bound;
        self.sink(index);
    }

    pub(super) fn remove(&mut self, member: usize) {
        let index = self.places[member];
        self.nodes.swap_remove(index);
        if index < self.nodes.len() {
            let index = self.rise(index);
            self.sink(index);
        }
    }

    fn put(&mut self, index: usize, node: Node) {
        self.nodes[index] = node;
        self.places[node.member] = index;
    }

    /// Moves a node up to where its parent is no greater. Where that is.
    fn rise(&mut self, mut index: usize) -> usize {
        let node = self.nodes[index];
        while index > 0 {
            let parent = (index - 1) / CHILDREN;
            if self.nodes[parent].bound <= node.bound {
                break;
            }
            self.put(index, self.nodes[parent]);
            index = parent;
        }
        self.put(index, node);
        index
    }

    /// Moves a node down to where no child is less.
    fn sink(&mut self, mut index: usize) {
        let node = self.nodes[index];
        loop {
            let first = CHILDREN * index + 1;
            let children = self.nodes.iter().enumerate().skip(first).take(CHILDREN);
            match children.min_by_key(|(_, child)| child.bound) {
                Some((place, &child)) if child.bound < node.bound => {
                    self.put(index, child);
                    index = place;
                }
                _ => break,
            }
        }
        self.put(index, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map of the bounds that there are.
        #[test]
        fn the_least_bound_is_first(steps in vec((0..4_u8, 0..40_usize, 0..50_u64), 0..400)) {
            let (mut heap, mut bounds) = (Heap::default(), BTreeMap::new());
            for (step, member, by) in steps {
                match step {
                    0 if !bounds.contains_key(&member) => {
                        bounds.insert(member, by);
                        heap.insert(member, by);
                    }
                    1 if bounds.remove(&member).is_some() => heap.remove(member),
                    2 => {
                        if let Some((bound, least)) = heap.least() {
                            bounds.insert(least, bound + by);
                            heap.raise_least(bound + by);
                        }
                    }
                    3 => {
                        if let Some((_, least)) = heap.least() {
                            bounds.remove(&least);
                            heap.remove_least();
                        }
                    }
                    _ => {}
                }
                let least = heap.least();
                prop_assert_eq!(least.map(|(bound, _)| bound), bounds.values().min().copied());
                prop_assert!(least.is_none_or(|(bound, member)| bounds[&member] == bound));
                prop_assert_eq!(heap.is_empty(), bounds.is_empty());
            }
        }
    }
}
