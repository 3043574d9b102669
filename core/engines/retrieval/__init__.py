"""The index that backs retrieval-augmented candidates.

Map: `bm25` (words), `encoder` (texts to vectors), `embedding` (all passages, resumable), `index` (files on disk),
`job` (the index job), `retriever` (search and fusion), `messages` (passages put into what is asked), `rank` (how
often the right passage is found). Only `encoder` loads torch.
"""
